"""The log level, which an operator changes at run time by a parameter of Systems Manager.

No template has the parameter, so that changing it is no drift of a stack. Without the parameter the
level is the template's. A process reads it once a minute, and not when it starts, so that a cold
start takes no longer.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.telemetry import logger

READ_INTERVAL_SECONDS = 60.0
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ABSENT = "ParameterNotFound"


class LogLevel:
    """`parameter` is its name, `default` the template's level; `client` gives one of SSM."""

    def __init__(self, parameter: str, default: str, client: Callable[[], Any]) -> None:
        self._parameter, self._default, self._client = parameter, default, client
        self._next: float | None = None

    def look(self, now: float) -> None:
        """Sets the level if it is time to look; never raises. `now` in seconds of any clock."""
        if not self._parameter:
            return
        if self._next is None or now < self._next:
            self._next = now + READ_INTERVAL_SECONDS if self._next is None else self._next
            return
        self._next = now + READ_INTERVAL_SECONDS
        level = self._read()
        if level is not None and logger.log_level != getattr(logging, level):
            logger.setLevel(level)
            logger.info("the log level is another one", extra={"log_level": level})

    def watch(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """For a process without invocations: looks from a thread, as long as the process runs."""
        if self._parameter:
            threading.Thread(target=self._again, args=(sleep,), daemon=True).start()

    def _again(self, sleep: Callable[[float], None]) -> None:
        while True:
            self.look(time.monotonic())
            sleep(READ_INTERVAL_SECONDS)

    def _read(self) -> str | None:
        """None where the level stays as it is."""
        try:
            found = self._client().get_parameter(Name=self._parameter)["Parameter"]["Value"]
        except ClientError as error:
            if error.response["Error"]["Code"] == ABSENT:
                return self._default
            logger.warning("could not read the log level", exc_info=error)
            return None
        except BotoCoreError as error:
            logger.warning("could not read the log level", exc_info=error)
            return None
        level = str(found).strip().upper()
        if level not in LEVELS:
            logger.warning("no log level", extra={"value": level[:20], "levels": LEVELS})
            return None
        return level
