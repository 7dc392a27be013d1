"""Function Canary: the doctor's steps on a schedule, as two users would, and metrics of them.

    CanaryPassed   1 if all steps went well, else 0
    CanarySeconds  how long they took

It does not fail with them: Lambda would try again, and the second run would hide the first.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

from tools.doctor import Place, check


def handler(_event: Any, _context: Any) -> None:
    began = time.monotonic()
    passed = asyncio.run(check(Place("canary", os.environ["API_URL"].rstrip("/"))))
    took = time.monotonic() - began
    print(measured(os.environ["METRICS_NAMESPACE"], passed, took, time.time()))


def measured(namespace: str, passed: bool, seconds: float, now: float) -> str:
    """A line in CloudWatch's embedded metric format; `now` in epoch seconds."""
    metrics = [
        {"Name": "CanaryPassed", "Unit": "Count"},
        {"Name": "CanarySeconds", "Unit": "Seconds"},
    ]
    directive = {"Namespace": namespace, "Dimensions": [[]], "Metrics": metrics}
    return json.dumps(
        {
            "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]},
            "CanaryPassed": int(passed),
            "CanarySeconds": round(seconds, 3),
        }
    )
