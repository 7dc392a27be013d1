"""A device list that the user asks for and the backend does not give now."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from client.core.cipher import Lists
from client.core.engine import Engine
from client.devices import Devices
from client.errors import RateLimited


def test_the_limit_that_a_user_met_holds_for_all_lists_of_the_device() -> None:
    steps: list[tuple[Any, ...]] = []
    request = Lists(1, "raju")
    error = RateLimited("rate_limited", "slower", 429, 60.0)

    def step(*call: Any) -> Lists:
        steps.append(call)
        return request

    async def devices(_user: str) -> None:
        raise error

    device: Any = SimpleNamespace(
        driver=SimpleNamespace(step=step), api=SimpleNamespace(devices=devices)
    )
    with pytest.raises(RateLimited):
        asyncio.run(Devices(device).of("raju"))
    assert steps == [(Engine.look_at, "raju"), (Engine.fetch_failed, request, 60.0)]
