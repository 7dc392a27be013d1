"""How the running system shares requests out: by turns, by weight, while targets come and go."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping

import pytest

from tests.support.running_system import (
    CHECK,
    REST,
    UNFINISHED,
    RunScene,
    State,
    System,
    connected,
    pools_of,
    read_response,
    require_fair_prefixes,
    served_by,
    targets_in,
    tasks_in,
    traces,
)

pytestmark = pytest.mark.xdist_group("story")


@pytest.mark.deep
def test_1000_requests_one_after_another_are_333_333_334(three_targets: RunScene) -> None:
    async def scene(system: System) -> None:
        names = await system.names("small")
        served = await system.sent(1000)
        require_fair_prefixes(served, dict.fromkeys(names, 1 / 3))
        counts = Counter(served)
        assert sorted(counts.values()) == [333, 333, 334]
        assert counts.keys() == names.keys()

    three_targets(scene)


def test_1000_requests_20_at_once_are_333_333_334_and_so_is_every_look_on_the_way(
    three_targets: RunScene,
) -> None:
    """Responses overtake each other. In which order the balancer chose shows in its own counts: a
    look is one moment, between two choices. A busy machine looks seldom, so it may take more
    requests."""

    async def scene(system: System) -> None:
        on_the_way: list[list[int]] = []
        while len(on_the_way) < 3:
            before = counts_in(await system.targets("small"))
            sending = asyncio.create_task(system.sent(1000, 20))
            while not sending.done():
                now = counts_in(await system.targets("small"))
                on_the_way.append([now[each] - before[each] for each in before])
            assert sorted(Counter(await sending).values()) == [333, 333, 334]
            on_the_way = [look for look in on_the_way if 0 < sum(look) < 1000]
        assert all(max(look) - min(look) <= 1 for look in on_the_way)

    three_targets(scene)


def counts_in(targets: Mapping[str, State]) -> dict[str, int]:
    return {name: target["requests"] for name, target in targets.items()}


@pytest.mark.deep
def test_weights_5_to_2_between_containers_and_a_function_are_500_and_200(
    three_targets: RunScene,
) -> None:
    async def scene(system: System) -> None:
        await system.weigh(small=5, **{"lambda": 2})
        pools = pools_of(await system.sent(700))
        require_fair_prefixes(pools, {"small": 5 / 7, "lambda": 2 / 7})
        assert Counter(pools) == {"small": 500, "lambda": 200}

    three_targets(scene)


@pytest.mark.deep
def test_a_new_target_gets_nothing_before_its_first_passed_check_then_an_even_share(
    three_targets: RunScene,
) -> None:
    async def scene(system: System) -> None:
        old = set((await system.names("small")).values())
        looks: list[State] = []  # at the new target, from the start of its process on

        def taken_in(state: State) -> bool:
            for name in tasks_in(state, "small").keys() - old:
                nowhere = {"state": None, "requests": 0}
                looks.append(targets_in(state, "small").get(name, nowhere))
            return bool(looks) and looks[-1]["state"] == "healthy"

        async with system.under_load() as flow:
            await system.order("pools/small", desired=4)
            state = await system.until("a fourth target", taken_in)
        waiting = [look["requests"] for look in looks if look["state"] in (None, "initial")]
        assert set(waiting) == {0}
        (new,) = (task for name, task in tasks_in(state, "small").items() if name not in old)
        first, *others = traces(new)
        assert (first, any(others)) == (CHECK, True)
        assert len(set(served_by(flow.replies))) == 4
        assert sorted(Counter(await system.sent(1000, 20)).values()) == [250, 250, 250, 250]

    three_targets(scene)


@pytest.mark.deep
def test_scaling_in_under_load_loses_no_request(three_targets: RunScene) -> None:
    """Neither those that come and go, nor those that a leaving target has under way: three
    sign-ins, one at each target, whose bodies come when two of the targets drain already."""

    async def scene(system: System) -> None:
        names = await system.names("small")
        async with contextlib.AsyncExitStack() as open_connections:
            slow = [
                await open_connections.enter_async_context(connected(system.api)) for _ in names
            ]
            for _, writer in slow:
                writer.write(UNFINISHED)
            await system.until("one at each", lambda state: in_flight(state) == [1, 1, 1])
            async with system.under_load(10) as flow:
                await system.order("pools/small", desired=1)
                await system.until("two drain", lambda state: states(state).count("draining") == 2)
                for _, writer in slow:
                    writer.write(REST)
                responses = [await read_response(reader) for reader, _ in slow]
                await system.whole("small", 1)
        assert not flow.lost
        assert [response.status for response in responses] == [400] * 3  # the sign-in names nobody
        assert {response.headers["x-served-by"] for response in responses} == names.keys()
        assert set(await system.sent(50)) == set(await system.names("small"))

    three_targets(scene)


def in_flight(state: State) -> list[int]:
    return [target["in_flight"] for target in targets_in(state, "small").values()]


def states(state: State) -> list[str]:
    return [target["state"] for target in targets_in(state, "small").values()]
