"""SNS's delivery status logging: a line with the outcome of a push, in the application's log group.

Failures are all logged, successes by their sample rate, if the application has a role for it.
Source: "Mobile app attributes" (message delivery status), SNS developer guide.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emulator.aws.outcome import Outcome, Result
from emulator.log_files import log_file
from emulator.providers import EmulatorError

FAILED = "/Failure"  # ends the name of the log group of failures


@dataclass
class Feedback:
    """Writes into files below `logs`, which are named as the log groups; nothing without `logs`."""

    logs: Path | None = None
    now: Callable[[], float] = time.time
    random: Callable[[], float] = random.random

    def write(
        self, endpoint: Any, message_id: str, published: float, attempts: int, result: Result
    ) -> None:
        """`endpoint` is moto's; `published` in epoch seconds."""
        application = endpoint.application
        failed = result.outcome is not Outcome.delivered
        if self.logs is None or not self._is_logged(application.attributes, failed=failed):
            return
        line = {
            "notification": {"messageId": message_id, "timestamp": _timestamp(published)},
            "delivery": {
                "destination": endpoint.arn,
                "token": endpoint.attributes["Token"],
                "attempts": attempts,
                "dwellTimeMs": int(1000 * (self.now() - published)),
                **({} if result.status is None else {"statusCode": result.status}),
                "providerResponse": result.text or result.outcome.value,
            },
            "status": "FAILURE" if failed else "SUCCESS",
        }
        try:
            file = log_file(self.logs, f"{log_group(application.arn)}{FAILED if failed else ''}")
        except EmulatorError as why:
            print(f"sns: {endpoint.arn}: {why}", flush=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, separators=(",", ":")) + "\n")

    def _is_logged(self, attributes: Mapping[str, str], *, failed: bool) -> bool:
        if failed:
            return bool(attributes.get("FailureFeedbackRoleArn"))
        rate = float(attributes.get("SuccessFeedbackSampleRate") or 100)
        return bool(attributes.get("SuccessFeedbackRoleArn")) and 100 * self.random() < rate


def log_group(application_arn: str) -> str:
    """The log group of successes: sns/<region>/<account>/app/<platform>/<name>."""
    _, _, _, region, account, name = application_arn.split(":", 5)
    return f"sns/{region}/{account}/{name}"


def _timestamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
