"""The key that signs posts to sockets in tasks, and its rotation.

The secret may get a new value without a deployment. Secrets Manager keeps the value before it as
AWSPREVIOUS (docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html). A task
accepts signatures with both values; a process signs with the value that it has read. A task reads
the secret again when it gets a signature with another key, and a poster when it gets a 403. A task
that has just read it rejects a newer key for READ_INTERVAL_SECONDS at most.
"""

import threading
import time
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.signing import Credentials
from lambdas.telemetry import logger

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
READ_INTERVAL_SECONDS = 10.0  # at least; a stranger's signature may cause a reading


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
        """Signatures with these are accepted. The value before is known from the first renewal on.
        Raises LookupError if the secret has no value, and what botocore raises."""
        if not self._values:
            with self._lock:
                if not self._values:
                    self._values = self._stages(CURRENT)
        return self._values

    @property
    def is_due(self) -> bool:
        """Whether `renew` would read: READ_INTERVAL_SECONDS after the last time."""
        return self._clock() >= self._next

    def renew(self) -> None:
        """Reads both values if that is due. A thread that calls it during a reading waits for its
        end. If the secret can't be read or has no value, the known values stay and it is logged."""
        with self._lock:
            if not self.is_due:
                return
            try:
                self._values = self._stages(CURRENT, PREVIOUS)
            except (BotoCoreError, ClientError, LookupError) as error:
                logger.warning("could not read the key of posts", exc_info=error)
            finally:
                self._next = self._clock() + READ_INTERVAL_SECONDS

    def _stages(self, *stages: str) -> tuple[str, ...]:
        found = tuple(value for stage in stages if (value := self._read(stage)) is not None)
        if not found:
            raise LookupError("the secret with the key of posts has no value")
        return found
