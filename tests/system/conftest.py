"""The running system, and what people in it have: names, devices, phones."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
import pytest

import client.requests
from client import ChatClient
from client.errors import ClientError, ServerFault, Unreachable
from tests.support.running_system import PASSWORD, WITHIN, RunScene, System, scene_runner, started
from tests.support.typescript_client import TypeScriptError

# of the system that most tests share: its certificates and records are made on AWS alone
NAMES = {
    "load_balancer.plain_http": "false",
    "load_balancer.domain_name": "chat.example.com",
    "websocket.domain_name": "ws.example.com",
    "zone.id": "Z0123456789ABCDEFGHIJ",
    "zone.domain": "example.com",
}
SETTINGS = {
    "load_balancer.plain_http": "true",  # staging has to say that this is meant
    "load_balancer.algorithm": "least_outstanding_requests",
    "load_balancer.stickiness.kind": "lb_cookie",
    "load_balancer.ip_hash": "true",
    "log_level": "DEBUG",
    "retain_until_expiry": "true",
}

Add = Callable[[str], Awaitable[None]]  # makes somebody a contact
Meet = Callable[[str, Add], Awaitable[None]]


@pytest.fixture(autouse=True, scope="session")
def patient() -> Iterator[None]:
    """A scene waits for an event and for a connection longer than a user of the client would."""
    with pytest.MonkeyPatch.context() as patch:
        for waits in (ChatClient.wait_for, ChatClient.connect, ChatClient.sync):
            patch.setattr(waits, "__defaults__", (WITHIN,))
        patch.setattr(client.requests, "TIMEOUT", httpx.Timeout(WITHIN / 5))  # it tries three times
        yield


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What .local/endpoints.json says of the one running system that all tests of the group `story`
    share: the real command, with a state directory and ports of its own. It has domain names."""
    with started(tmp_path_factory.mktemp("local"), *contexts(NAMES)) as found:
        yield found


def contexts(settings: Mapping[str, str]) -> list[str]:
    return [word for each in settings.items() for word in ("--context", "=".join(each))]


class SecondSystem(NamedTuple):
    endpoints: dict[str, Any]
    state: Path  # everything that it writes


@pytest.fixture(scope="session")
def second_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondSystem]:
    """The system that the tests of the group `systems` share, for what the first one does not have:
    two sizes of containers and all ways of balancing that look at the client; the most talkative
    log level, nothing purged after delivery, and data on disk. It is 20 times as fast, for a job
    that failed waits for minutes before it is tried again.
    """
    state = tmp_path_factory.mktemp("second")
    others = ("--env", "staging", "--speed", "20")
    with started(state, *others, *contexts(SETTINGS)) as found:
        yield SecondSystem(found, state)


@pytest.fixture(scope="module")
def three_targets(endpoints: dict[str, Any]) -> Iterator[RunScene]:
    """Runs a scene that begins with three targets in the pool `small` and all requests going
    there; nothing scales by itself. Afterwards it does again, and the functions have their share.
    """

    async def begin(system: System) -> None:
        await system.order("pools/small", autoscaling=False)
        await system.weigh(small=4, **{"lambda": 0})
        await system.scale("small", 3)

    async def leave(system: System) -> None:
        await system.weigh(**{"lambda": 1})
        await system.order("pools/small", autoscaling=True)

    run_scene = scene_runner(endpoints, begin)
    yield run_scene
    run_scene(leave)


@pytest.fixture
def name() -> Callable[[str], str]:
    """A user name that no other test has: name("ravi") -> "ravi_3f9a1c"."""
    suffix = secrets.token_hex(3)
    return lambda who: f"{who}_{suffix}"


@pytest.fixture
def meet() -> Meet:
    """Makes a user and all others of the test that it knows of by now each other's contacts:
    who is none gets a request, which has no ticks, or an invitation."""
    there: list[tuple[str, Add]] = []  # devices, of which any may be closed

    async def met(user: str, add: Add) -> None:
        for other, add_to_other in there:
            if other != user:
                await _added(add, other)
                await _added(add_to_other, user)
        there.append((user, add))

    return met


async def _added(add: Add, user: str) -> None:
    """Once more where a busy machine gives no response, without which they stay strangers."""
    for _ in range(10):
        try:
            return await add(user)
        except (Unreachable, ServerFault):
            await asyncio.sleep(0.2)
        except TypeScriptError as error:
            if error.kind != "Unreachable":
                return None
            await asyncio.sleep(0.2)
        except (ClientError, RuntimeError):
            return None  # it is closed
    raise AssertionError(f"{user} is nobody's contact")


@pytest.fixture
def device(endpoints: dict[str, Any], tmp_path: Path, meet: Meet) -> Callable[..., ChatClient]:
    """A device of a user, who knows all others of the test; the same name again is the same device
    with the same state."""

    class Acquainted(ChatClient):
        async def __aenter__(self) -> Self:
            entered = await super().__aenter__()
            await meet(self.user, self.people.add)
            return entered

    def make(user: str, device: str = "phone", **options: Any) -> ChatClient:
        store = tmp_path / f"{user}-{device}.sqlite"
        return Acquainted(endpoints["api"], user, PASSWORD, device, store, **options)

    return make


@pytest.fixture
def phone(endpoints: dict[str, Any]) -> Callable[[str], list[dict[str, Any]]]:
    """What the local FCM and APNs hold for a device token."""

    def look(token: str) -> list[dict[str, Any]]:
        response = httpx.get(f"{endpoints['console']}/_local/phones/{token}", timeout=WITHIN)
        response.raise_for_status()
        pushes: list[dict[str, Any]] = response.json()["pushes"]
        return pushes

    return look


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """Looks `every` so many seconds; what `condition` gives once it holds."""

    def wait(condition: Callable[[], Any], within: float = WITHIN, every: float = 0.05) -> Any:
        deadline = time.monotonic() + within
        while True:
            if value := condition():
                return value
            assert time.monotonic() < deadline, f"not within {within} s"
            time.sleep(every)

    return wait
