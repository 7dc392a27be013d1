"""Weights of pools, changed while the load balancer runs, and the groups that a rule may forward
to."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from tests.balancer.scene import CHECKED, balancing
from tests.network.scene import GROUP, make

from emulator.balancer.provider import LoadBalancingProvider
from emulator.clock import Clock
from emulator.providers import EmulatorError


def pool(name: str) -> dict[str, Any]:
    return {**CHECKED, "Tags": [{"Key": "pool", "Value": name}]}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_a_new_weight_counts_from_the_next_request_on() -> None:
    async def scenario() -> None:
        async with balancing({"l": (pool("large"), 5), "s": (pool("small"), 2)}) as scene:
            await scene.add("l", "large-1")
            await scene.add("s", "small-1")
            assert await counts(scene, 14) == {"large-1": 10, "small-1": 4}
            scene.provider.set_weight("small", 5)
            assert await counts(scene, 14) == {"large-1": 7, "small-1": 7}
            scene.provider.set_weight("large", 0)
            assert await counts(scene, 7) == {"small-1": 7}
            described = scene.provider.state()["target_groups"]
            assert {group["pool"]: group["weight"] for group in described} == {
                "large": 0,
                "small": 5,
            }

    run(scenario)


async def counts(scene: Any, requests: int) -> dict[str, int]:
    return dict(Counter([(await scene.get())[1] for _ in range(requests)]))


def test_invalid_weights_are_rejected() -> None:
    async def scenario() -> None:
        groups = {"l": (pool("large"), 5), "s": (pool("small"), 0)}
        async with balancing(groups) as scene:
            with pytest.raises(
                LookupError, match="no pool 'tiny' with a weight: there are large, "
            ):
                scene.provider.set_weight("tiny", 1)
            for weight in (-1, 1000):
                with pytest.raises(ValueError, match="from 0 to 999"):
                    scene.provider.set_weight("large", weight)
            with pytest.raises(ValueError, match="left without any pool"):
                scene.provider.set_weight("large", 0)
            scene.provider.set_weight("small", 1)
            scene.provider.set_weight("large", 0)

    run(scenario)


def test_a_rule_over_http_cannot_forward_to_a_tcp_group() -> None:
    async def scenario() -> None:
        provider = LoadBalancingProvider(_nothing, port=0, clock=Clock(), any_host=True)
        arn = await make(provider, "TargetGroup", "net", GROUP)
        balancer = await make(provider, "LoadBalancer", "Balancer", {})
        action = {"Type": "forward", "TargetGroupArn": arn}
        listener = {"LoadBalancerArn": balancer, "DefaultActions": [action]}
        await make(provider, "Listener", "Http", listener)
        with pytest.raises(EmulatorError, match="net: a rule over HTTP forwards to it"):
            await provider.start()

    run(scenario)


async def _nothing(_arn: str, _payload: bytes) -> Any:
    raise AssertionError
