"""Function Canary: the doctor's steps on a schedule, as two users would, and metrics of them.

    CanaryPassed   1 if all steps went well, else 0
    CanarySeconds  how long they took

A run measures itself whatever happens to it, and never fails. It ends before Lambda's timeout,
which would leave no metric.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import traceback
from typing import Any

from tools.doctor import Place, check

WITHIN = 150.0  # seconds for all steps; the function's timeout leaves 30 more to clean up


def handler(_event: Any, _context: Any) -> None:
    began = time.monotonic()
    place = Place("canary", os.environ["API_URL"].rstrip("/"))
    try:
        passed = asyncio.run(_checked(place))
    except Exception:  # the metric has to count it, whatever it was
        traceback.print_exc()
        passed = False
    took = time.monotonic() - began
    print(measured(os.environ["METRICS_NAMESPACE"], passed, took, time.time()))


async def _checked(place: Place) -> bool:
    return await asyncio.wait_for(check(place), WITHIN)


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
