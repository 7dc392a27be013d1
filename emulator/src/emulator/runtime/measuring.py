"""The monitor's view of the components that run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import aiohttp

from emulator.balancer.provider import LoadBalancingProvider
from emulator.breaking import Broken
from emulator.describe.made import Made
from emulator.events.provider import EventSourceProvider
from emulator.functions.functions import Functions
from emulator.gateway.provider import ApiGatewayProvider
from emulator.traces.ring import Ring

BACKLOG = "/_local/backlog"  # see emulator.aws.peek


class MeasuredSystem:
    """`emulator.metrics.monitor.Sources` of a system; `aws` is the AWS server's URL."""

    def __init__(
        self,
        ring: Ring,
        aws: str,
        *,
        fetch: Callable[[], Awaitable[None]],
        functions: Functions,
        events: EventSourceProvider,
        balancer: LoadBalancingProvider,
        gateway: ApiGatewayProvider,
        made: Made,
        broken: Broken,
    ) -> None:
        self.ring = ring
        self._aws, self._fetch = aws, fetch
        self._functions, self._events = functions, events
        self._balancer, self._gateway, self._made = balancer, gateway, made
        self._broken = broken

    async def fetch(self) -> None:
        await self._fetch()

    def functions(self) -> Iterable[Mapping[str, Any]]:
        state: list[Mapping[str, Any]] = self._functions.state()["functions"]
        return state

    def pools(self) -> Mapping[str, str]:
        clients = self._made.of("AWS::Cognito::UserPoolClient")
        return {one.created.ref: str(one.properties["UserPoolId"]) for one in clients}

    def executions(self) -> int:
        return self._broken.executions()

    def stream_ages(self) -> Iterable[tuple[str, float]]:
        return self._events.stream_ages()

    async def backlog(self) -> Mapping[str, Mapping[str, float]]:
        async with (
            aiohttp.ClientSession(trust_env=False) as http,
            http.get(f"{self._aws}{BACKLOG}") as response,
        ):
            found: dict[str, dict[str, float]] = await response.json()
            return found

    def measure_health(self) -> None:
        self._balancer.measure_health()

    def posted(self, posts: int) -> None:
        self._gateway.measure_posts(posts)
