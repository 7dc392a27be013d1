"""The ways of balancing that look at the client, or at what the targets have under way: cookies,
addresses, least outstanding requests. One system has all three; none gets in another's way."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from tests.support.running_system import (
    REST,
    UNFINISHED,
    WITHIN,
    RunScene,
    State,
    System,
    connected,
    exchange,
    get,
    pools_of,
    read_response,
    require_fair_prefixes,
    scene_runner,
    targets_in,
    tasks_in,
)
from tests.system.conftest import SecondSystem

pytestmark = [pytest.mark.xdist_group("systems"), pytest.mark.deep]

POOL = "large"  # of staging; also the one behind the Network Load Balancer
ADDRESSES = [f"127.0.0.{number}" for number in range(1, 255)]
AT_ONCE = 20


@pytest.fixture(scope="module")
def three_large_targets(second_system: SecondSystem) -> RunScene:
    """Runs a scene that begins with three targets in the pool `large` and all requests going there."""

    async def begin(system: System) -> None:
        for pool in ("large", "small"):
            await system.order(f"pools/{pool}", autoscaling=False)
        await system.weigh(large=5, small=0, **{"lambda": 0})
        await system.scale(POOL, 3)

    return scene_runner(second_system.endpoints, begin)


def test_weights_5_to_2_between_pools_of_two_sizes_are_500_and_200(
    three_large_targets: RunScene,
) -> None:
    async def scene(system: System) -> None:
        await system.weigh(large=5, small=2)
        pools = pools_of(await system.sent(700))
        assert Counter(pools_of(await system.sent(700, 20))) == {"large": 500, "small": 200}
        require_fair_prefixes(pools, {"large": 5 / 7, "small": 2 / 7})
        assert Counter(pools) == {"large": 500, "small": 200}

    three_large_targets(scene)


def test_two_hung_requests_send_the_next_ten_elsewhere(three_large_targets: RunScene) -> None:
    """The sign-ins hang because the last byte of their bodies does not come."""

    async def scene(system: System) -> None:
        names = await system.names(POOL)
        async with connected(system.api) as one, connected(system.api) as other:
            for _, writer in (one, other):
                writer.write(UNFINISHED)
            state = await system.until("both under way", lambda s: len(busy(s)) == 2)
            served = await system.sent(10)
            assert busy(await system.state()) == busy(state)
            for _, writer in (one, other):
                writer.write(REST)
            responses = [await read_response(reader) for reader, _ in (one, other)]
        assert {names[response.headers["x-served-by"]] for response in responses} == busy(state)
        assert [response.status for response in responses] == [400, 400]  # it names nobody
        assert {names[name] for name in served} == set(names.values()) - busy(state)
        assert len(set(await system.sent(10))) == 3

    three_large_targets(scene)


def busy(state: State) -> set[str]:
    return {name for name, target in targets_in(state, POOL).items() if target["in_flight"]}


class Browser:
    """A client that keeps its cookies. A cookie that is Secure it keeps, but not over HTTP."""

    def __init__(self, system: System, http: aiohttp.ClientSession) -> None:
        self._url = f"{system.api}/api/health"
        self._http = http
        self.latest: dict[str, str] = {}  # cookies of the last response

    async def asks(self, **headers: str) -> str | None:
        """Who served it; None for the load balancer's own response, which is 502."""
        async with self._http.get(self._url, headers=headers) as response:
            assert response.status in (200, 502)
            self.latest = {name: cookie.value for name, cookie in response.cookies.items()}
            return response.headers["x-served-by"] if response.status == 200 else None

    async def stays(self, target: str, requests: int = 20) -> None:
        assert [await self.asks() for _ in range(requests)] == [target] * requests


@contextlib.asynccontextmanager
async def browser(system: System) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False)  # base64 stays as it came
    async with aiohttp.ClientSession(cookie_jar=jar, trust_env=False) as http:
        yield Browser(system, http)


def test_a_sticky_client_moves_once_when_its_target_goes_and_does_not_return(
    three_large_targets: RunScene,
) -> None:
    async def scene(system: System) -> None:
        names = await system.names(POOL)
        async with browser(system) as client:
            first = await moved(client)
            await client.stays(first)
            assert len(set(await system.sent(9))) == 3  # clients without cookies are spread

            await system.act(names[first], "pause")
            await system.until("unhealthy", lambda s: not serves(s, names[first]))
            second = await moved(client)
            assert second != first
            await system.act(names[first], "resume")
            await system.whole(POOL, 3)
            assert first in await system.names(POOL)
            await client.stays(second)

            await system.act(names[second], "kill")
            third = await moved(client)
            assert third != second
            await client.stays(third)
            await system.whole(POOL, 3)
            await client.stays(third)

        as_one_browser = {"requests": 30, "concurrency": 1, "cookies": True}
        load = await system.order("load", **as_one_browser)
        assert list(load["served_by"].values()) == [30]

    three_large_targets(scene)


async def moved(client: Browser) -> str:
    """Whom it is bound to, once it gets a response at all."""
    async with asyncio.timeout(WITHIN):
        while (name := await client.asks()) is None:
            pass
    return name


def serves(state: State, target: str) -> bool:
    shown = targets_in(state, POOL).get(target)
    return shown is not None and shown["state"] == "healthy"


def test_the_cookies_for_other_sites_bind_a_client_by_themselves(
    three_large_targets: RunScene,
) -> None:
    async def scene(system: System) -> None:
        async with browser(system) as own, browser(system) as elsewhere:
            target = await own.asks()
            twins = {name: value for name, value in own.latest.items() if name.endswith("CORS")}
            assert sorted(twins) == ["AWSALBCORS", "AWSALBTGCORS"]
            for _ in range(10):
                sent = "; ".join(f"{name}={value}" for name, value in twins.items())
                assert await elsewhere.asks(Cookie=sent) == target

    three_large_targets(scene)


def has_every_loopback_address() -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((ADDRESSES[-1], 0))
        except OSError:
            return False
    return True


@pytest.mark.skipif(
    not has_every_loopback_address(),
    reason="needs the addresses 127.0.0.1 to 127.0.0.254; macOS gives a machine the first alone",
)
def test_an_address_keeps_its_target_and_only_those_of_a_target_that_goes_move(
    three_large_targets: RunScene,
) -> None:
    async def scene(system: System) -> None:
        names = await system.names(POOL)
        before = await targets_by_address(system)
        assert await targets_by_address(system) == before
        shares = Counter(before.values())
        assert shares.keys() == names.keys()
        assert min(shares.values()) >= len(ADDRESSES) / 3 / 2  # 42; chance alone: 1 in 10 million

        gone, *_ = names
        await system.act(names[gone], "kill")
        await system.until("death", lambda s: tasks_in(s, POOL)[names[gone]]["exited"])
        await system.scale(POOL, 2)
        without = await targets_by_address(system)
        assert without.items() >= {a: t for a, t in before.items() if t != gone}.items()
        assert set(without.values()) == names.keys() - {gone}

        await system.scale(POOL, 3)
        (new,) = (await system.names(POOL)).keys() - names.keys()
        after = await targets_by_address(system)
        assert without.items() >= {a: t for a, t in after.items() if t != new}.items()
        assert Counter(after.values())[new] >= len(ADDRESSES) / 3 / 2

    three_large_targets(scene)


async def targets_by_address(system: System) -> Mapping[str, str]:
    """Who serves each address through the Network Load Balancer, connection by connection."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def asked(address: str) -> str:
        async with slots:
            response = await exchange(system.endpoints["nlb"], get("/api/health"), address)
        assert response.status == 200
        return response.headers["x-served-by"]

    return dict(zip(ADDRESSES, await asyncio.gather(*map(asked, ADDRESSES)), strict=True))
