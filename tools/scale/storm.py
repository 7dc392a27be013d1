"""A simulation of everybody reconnecting at once, with the clients' own back-off.

Each client fetches a ticket and opens a connection, which is admitted or rejected by a rate. The
rejected one waits as client/core/liveness.py says, and tries again. A sample of the clients stands
for all of them, with the rate reduced by the same factor.
"""

import heapq
from random import Random
from typing import NamedTuple

from client.core.liveness import Backoff
from client.core.settings import Settings

SAMPLE = 3_000


class Storm(NamedTuple):
    """Seconds after the disconnect until this share is back; attempts of a client, on average."""

    half: float
    nearly_all: float  # 99 %
    attempts: float
    busiest: float  # attempts in the busiest second, of all clients


def storm(clients: int, per_second: float, window: float = 0.0, seed: int = 1) -> Storm:
    """`per_second`: connections that are admitted; `window`: the environment's reconnect_window."""
    random = Random(seed)  # noqa: S311 - no secret
    sample = min(clients, SAMPLE)
    factor = clients / sample
    rate = per_second / factor
    backoffs = []
    events: list[tuple[float, int]] = []
    for number in range(sample):
        backoff = Backoff(Settings(), random)
        backoff.ticket(window or None)
        backoffs.append(backoff)
        events.append((backoff.pause(), number))
    heapq.heapify(events)
    tokens, at, attempts = max(rate, 1.0), 0.0, 0
    back: list[float] = []
    seconds: dict[int, int] = {}
    while events:
        now, number = heapq.heappop(events)
        tokens, at = min(tokens + (now - at) * rate, max(rate, 1.0)), now
        attempts += 1
        seconds[int(now)] = seconds.get(int(now), 0) + 1
        if tokens >= 1:
            tokens -= 1
            back.append(now)
        else:
            heapq.heappush(events, (now + backoffs[number].pause(), number))
    return Storm(
        back[len(back) // 2],
        back[int(len(back) * 0.99) - 1],
        attempts / sample,
        max(seconds.values()) * factor,
    )
