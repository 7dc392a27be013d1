"""The draining of a task that is replaced: closes its sockets in slices, so that its clients do not
all reconnect at once.

An Application Load Balancer breaks what is left open when the deregistration delay has passed, and
only then ECS sends SIGTERM. So the task asks the load balancer itself whether it is draining:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from lambdas.sockets.held import RESTARTS, Held
from lambdas.sockets.ids import Holder
from lambdas.telemetry import logger

DRAINING = "draining"
SLICE_SECONDS = 0.5

T = TypeVar("T")


def slices(items: Sequence[T], seconds: float, every: float = SLICE_SECONDS) -> list[Sequence[T]]:
    """Equal parts of the items, one for each `every` seconds of `seconds`; at most one part more
    than another by one item."""
    count = max(1, min(len(items), int(seconds / every)))
    return [items[number::count] for number in range(count)]


async def drain(
    held: Iterable[Held], seconds: float, shuffle: Callable[[list[Held]], None]
) -> None:
    """Closes all with 1012, within `seconds`."""
    left = list(held)
    shuffle(left)  # those that connected together do not return together
    parts = slices(left, seconds)
    logger.info("closes its sockets", extra={"sockets": len(left), "slices": len(parts)})
    for number, part in enumerate(parts):
        for each in part:
            each.close(*RESTARTS)
        if number + 1 < len(parts):
            await asyncio.sleep(seconds / len(parts))


async def until_draining(read_state: Callable[[], Any], every: float, first: float) -> None:
    """Returns when the load balancer is draining this task. `read_state` blocks; it is called after
    `first` seconds, then every `every` seconds."""
    await asyncio.sleep(first)
    while True:
        try:
            if await asyncio.to_thread(read_state) == DRAINING:
                return
        except Exception:  # throttled, or the network: the next request may succeed
            logger.warning("could not ask the load balancer for its health", exc_info=True)
        await asyncio.sleep(every)


def state_of_target(client: Any, target_group: str, own: Holder) -> str:
    """The target's state, as Elastic Load Balancing's DescribeTargetHealth names it."""
    target = {"Id": own.host, "Port": own.port}
    found = client.describe_target_health(TargetGroupArn=target_group, Targets=[target])
    states = [each["TargetHealth"]["State"] for each in found["TargetHealthDescriptions"]]
    return str(states[0]) if states else "unused"
