"""One health check, over the wire or as an invocation."""

from __future__ import annotations

import json

import aiohttp

from emulator.balancer.messages import lambda_bridge
from emulator.balancer.targets import health
from emulator.balancer.targets.health import Outcome
from emulator.balancer.targets.target_group import Target, TargetGroup
from emulator.providers import Invoke, Throttled

AGENT = "ELB-HealthChecker/2.0"


def open_session() -> aiohttp.ClientSession:
    """Opens an HTTP session for health checks: it follows no redirects, keeps no cookies, and has
    no limit of connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )


class HealthChecker:
    def __init__(self, session: aiohttp.ClientSession, invoke: Invoke) -> None:
        self._session = session
        self._invoke = invoke

    async def __call__(self, group: TargetGroup, target: Target) -> Outcome:
        """Performs the check. The caller limits the time."""
        if target.function is not None:
            return await self._check_function(group, target.function)
        url = f"http://{target.host}:{target.port}{group.check.path}"
        try:
            # A connection of its own each time: one that is used again would hide a listener that
            # is gone.
            async with self._session.get(
                url, headers={"User-Agent": AGENT, "Connection": "close"}, allow_redirects=False
            ) as response:
                return health.outcome_of(group.check, response.status)
        except aiohttp.ClientError:
            return health.CONNECTION_FAILED

    async def _check_function(self, group: TargetGroup, function: str) -> Outcome:
        multi_value = group.settings.multi_value_headers
        event = lambda_bridge.health_check_event(group.check.path, group.arn, multi_value)
        try:
            result = await self._invoke(function, json.dumps(event).encode())
            if result.error:
                return health.CONNECTION_FAILED
            response = lambda_bridge.response_of(result.payload, multi_value)
        except (Throttled, lambda_bridge.Malformed):
            return health.CONNECTION_FAILED
        return health.outcome_of(group.check, response.status)
