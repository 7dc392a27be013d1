"""The weighted round robin beside a real nginx, which has the same one."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.balancer.nginx_upstreams import Server, nginx

from emulator.balancer.targets.algorithms import RoundRobin, SmoothWeighted

NAMES = "abcde"
FEW = [
    {"a": 5, "b": 2},
    {"a": 5, "b": 1, "c": 1},
    {"a": 11, "b": 3},
    {"a": 1, "b": 1, "c": 1},
    {"a": 1, "b": 9, "c": 4, "d": 4, "e": 20},
]


def drawn(generator: random.Random) -> dict[str, int]:
    names = generator.sample(NAMES, generator.randint(2, len(NAMES)))
    return {name: generator.randint(1, 25) for name in sorted(names)}


def test_the_sequence_is_nginxs_for_any_weights(tmp_path: Path) -> None:
    generator = random.Random(20261101)
    all_weights = FEW + [drawn(generator) for _ in range(25)]
    with nginx(tmp_path, NAMES) as real:
        real.load([{n: Server(w) for n, w in weights.items()} for weights in all_weights])
        for number, weights in enumerate(all_weights):
            ours: SmoothWeighted[str] = SmoothWeighted()
            requests = sum(weights.values()) + 10  # a whole turn, and into the next one
            theirs = "".join(real.served_by(number) for _ in range(requests))
            assert theirs == "".join(str(ours.choose(weights)) for _ in range(requests)), weights


def test_a_server_that_is_down_from_the_start_is_left_out_as_nginx_leaves_it_out(
    tmp_path: Path,
) -> None:
    generator = random.Random(7)
    cases = []
    for _ in range(15):
        weights = drawn(generator)
        down = set(generator.sample(sorted(weights), generator.randint(0, len(weights) - 1)))
        cases.append((weights, down))
    with nginx(tmp_path, NAMES) as real:
        real.load(
            [{n: Server(w, n in down) for n, w in weights.items()} for weights, down in cases]
        )
        for number, (weights, down) in enumerate(cases):
            ours: SmoothWeighted[str] = SmoothWeighted()
            up = {name: weight for name, weight in weights.items() if name not in down}
            requests = sum(up.values()) * 2
            theirs = "".join(real.served_by(number) for _ in range(requests))
            assert theirs == "".join(str(ours.choose(up)) for _ in range(requests)), (weights, down)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(1, 3))]
)
def test_while_servers_go_down_come_up_and_change_weight_the_counts_stay_together(
    tmp_path: Path, seed: int
) -> None:
    """nginx is started anew at each event, and ours carries on: so the two are compared by their
    distance from the weights, of every prefix since the event. Ours may carry a request over."""
    generator = random.Random(seed)
    ours: SmoothWeighted[str] = SmoothWeighted()
    servers = {name: Server(generator.randint(1, 9)) for name in NAMES}
    with nginx(tmp_path, NAMES) as real:
        for _ in range(8):
            for name in generator.sample(NAMES, 2):
                servers[name] = Server(generator.randint(1, 9), generator.random() < 0.4)
            servers["a"] = servers["a"]._replace(down=False)  # somebody has to respond
            real.load([servers])
            up = {name: server.weight for name, server in servers.items() if not server.down}
            theirs: Counter[str] = Counter()
            mine: Counter[str] = Counter()
            for n in range(1, 61):
                theirs[real.served_by(0)] += 1
                mine[str(ours.choose(up))] += 1
                within(theirs, up, n, 1.3)
                within(mine, up, n, 2.3)


def within(counts: Any, weights: dict[str, int], requests: int, bound: float) -> None:
    whole = sum(weights.values())
    assert set(counts) <= set(weights)
    for name, weight in weights.items():
        assert abs(counts[name] - requests * weight / whole) <= bound, (counts, weights)


def test_equal_weights_are_plain_round_robin(tmp_path: Path) -> None:
    with nginx(tmp_path, "abc") as real:
        real.load([{name: Server(1) for name in "abc"}])
        turn = RoundRobin()
        candidates = [Named(n, name) for n, name in enumerate("abc")]
        for _ in range(30):
            assert real.served_by(0) == turn.choose(candidates, lambda: 0.0).name


class Named:
    in_flight = 0
    share = 1.0

    def __init__(self, order: int, name: str) -> None:
        self.order = order
        self.name = name
