"""The key that posts to sockets in tasks are signed with, and how another one takes its place.

A new value in its secret cuts no post, and needs no deployment. Secrets Manager keeps the value
before as AWSPREVIOUS (docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html).
Tasks take posts by both, and a process goes on signing with the one that it has read. It reads
again when it meets another key: a task a signature by neither of both, a poster a 403.
"""

import threading
import time
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.signing import Credentials
from lambdas.telemetry import logger

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
EVERY = 10.0  # seconds between two readings at least: a stranger's signature may cause one


class PostKey:
    """`read` gives the value of a stage, None where the secret has none. `clock` is monotonic."""

    def __init__(
        self, read: Callable[[str], str | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._clock = read, clock
        self._values: tuple[str, ...] = ()
        self._next = 0.0
        self._lock = threading.Lock()

    def credentials(self) -> Credentials:
        """What this process signs with."""
        return "sockets", self.values[0], None

    @property
    def values(self) -> tuple[str, ...]:
        """What signatures are taken by. The value before is known from the first renewal on."""
        if not self._values:
            with self._lock:
                if not self._values:
                    self._values = self._stages(CURRENT)
        return self._values

    def renew(self) -> None:
        """Reads both values, unless that was done just now. Whoever comes meanwhile waits. Raises
        nothing: what is known stays."""
        with self._lock:
            if self._clock() < self._next:
                return
            try:
                self._values = self._stages(CURRENT, PREVIOUS)
            except (BotoCoreError, ClientError) as error:
                logger.warning("could not read the key of posts", exc_info=error)
            self._next = self._clock() + EVERY

    def _stages(self, *stages: str) -> tuple[str, ...]:
        found = tuple(value for stage in stages if (value := self._read(stage)) is not None)
        if not found:
            raise LookupError("the secret with the key of posts has no value")
        return found
