"""A health check that a connection passes, and how a Network Load Balancer reports that one
failed."""

from __future__ import annotations

import asyncio

from emulator.balancer.targets import health
from emulator.balancer.targets.health import CONNECTION_FAILED, PASSED, Health, Outcome
from emulator.balancer.targets.target_group import Target


async def connect(target: Target) -> Outcome:
    """The caller limits the time."""
    try:
        _, writer = await asyncio.open_connection(target.host, target.port)
    except OSError:
        return CONNECTION_FAILED
    writer.close()
    return PASSED


def as_described(found: Health) -> Health:
    """With the one reason there is for an unhealthy target: "Target.ResponseCodeMismatch" and
    "Target.Timeout" are application load balancers' (API_TargetHealth)."""
    if found.state != health.UNHEALTHY:
        return found
    return found._replace(reason=health.FAILED, description=CONNECTION_FAILED.description)
