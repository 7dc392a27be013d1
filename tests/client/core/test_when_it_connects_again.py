"""One connection after another: what ends them, what is reported of it, and what the next one uses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace, TracebackType
from typing import Any, cast

import pytest
from websockets.exceptions import ConnectionClosedError

from client import connection
from client.connection import Connection
from client.core import events
from client.core.bodies_generated import TicketResponse
from client.core.engine import Engine
from client.core.liveness import Backoff
from client.core.outputs import Drop, Stop
from client.core.settings import Settings
from client.driver import Driver
from client.errors import (
    ApiError,
    Closed,
    Forbidden,
    NotFound,
    RateLimited,
    Removed,
    StoreError,
    StoreUnavailable,
    Unauthorized,
    Unreachable,
)

Leaving = Drop | Stop | None | str  # None: the socket ends by itself; WAITS: on demand
WAITS = "waits"
PLANNED = Drop("time to reconnect", planned=True)
BROKEN = ConnectionClosedError(None, None)


@dataclass
class Scene:
    """Stands in for driver, backoff, backend and sockets. `calls` has what happened, in order."""

    leaving: list[Leaving]  # of each connection
    # What asking for the first ones raises, if anything.
    tickets: list[Exception | None] = field(default_factory=list)
    removed: Exception | None = None
    last: str | None = None  # what a socket gives out when nobody waits for it any more
    sends: Exception | None = None
    pauses: float = 0
    calls: list[str] = field(default_factory=list)
    published: list[events.Event] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    online = False
    given = 0
    close_code, close_reason = 1006, ""

    # -- the driver

    async def writable(self) -> None:
        self.calls.append("writable")

    def opened(self) -> tuple[asyncio.Queue[str], asyncio.Future[Drop | Stop]]:
        self.online = True
        self.begun.set()
        self.outgoing: asyncio.Queue[str] = asyncio.Queue()
        self.leave: asyncio.Future[Drop | Stop] = asyncio.get_running_loop().create_future()
        self.how = self.leaving.pop(0) if self.leaving else Stop()
        if isinstance(self.how, Drop | Stop):
            self.leave.set_result(self.how)
        if self.sends is not None or isinstance(self.how, Drop):
            self.outgoing.put_nowait("a receipt")
        return self.outgoing, self.leave

    def closed(self) -> None:
        self.online = False
        self.calls.append("closed")

    def received(self, texts: list[str | bytes]) -> None:
        self.calls += [f"received {text!s}" for text in texts]

    def step(self, act: Callable[..., Any]) -> None:
        assert act is Engine.closing
        self.outgoing.put_nowait("last words")

    # -- the socket

    async def __aenter__(self) -> Scene:
        return self

    async def __aexit__(
        self, kind: type | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.calls.append("left")

    def __aiter__(self) -> Scene:
        return self

    async def __anext__(self) -> str:
        if self.how is None and not (self.sends and self.last):
            raise StopAsyncIteration
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self.last is None:
                raise
        text, self.last = self.last, None
        return str(text)

    async def send(self, text: str) -> None:
        if self.sends is not None:
            raise self.sends
        for _ in range(3):  # a network takes its time
            await asyncio.sleep(0)
        self.calls.append(f"sent {text}")

    async def close(self) -> None:
        self.calls.append("closes")
        self.leave.set_result(Stop())

    @property
    def transport(self) -> SimpleNamespace:
        return SimpleNamespace(abort=lambda: self.leave.set_result(Drop("cut")))

    # -- backoff and backend

    def ticket(self, window: float | None) -> None:
        self.calls.append(f"window {window}")

    def connected(self) -> None:
        self.calls.append("settled")

    def pause(self) -> float:
        return self.pauses

    async def sleep(self, seconds: float) -> None:
        self.calls.append(f"rests {seconds}")

    async def asked(self) -> TicketResponse:
        error = self.tickets.pop(0) if self.tickets else None
        if error is not None:
            raise error
        self.given += 1
        self.calls.append(f"ticket {self.given}")
        return TicketResponse(f"t{self.given}", "ws://127.0.0.1:1", 30, 7.0)

    async def come_back(self) -> None:
        self.calls.append("came back")
        if self.removed is not None:
            raise self.removed

    def connect(self, _url: str, subprotocols: list[str], **_: Any) -> Scene:
        self.calls.append(f"connects with {subprotocols[1]}")
        return self

    def of(self, *begins: str) -> list[str]:
        return [each for each in self.calls if each.startswith(begins)]

    def ends(self) -> list[tuple[str, float | None]]:
        found = [each for each in self.published if isinstance(each, events.Disconnected)]
        return [(each.reason, each.retry_in) for each in found]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scene]:
    def run(
        *leaving: Leaving,
        during: Callable[[Scene, Connection], Awaitable[None]] | None = None,
        **given: Any,
    ) -> Scene:
        scene = Scene(list(leaving), **given)
        monkeypatch.setattr(connection, "connect", scene.connect)
        resting = SimpleNamespace(**{**vars(asyncio), "sleep": scene.sleep})
        monkeypatch.setattr(connection, "asyncio", resting)

        async def all_of_it() -> None:
            made = Connection(
                cast(Driver, scene),
                cast(Backoff, scene),
                scene.asked,
                scene.come_back,
                scene.published.append,
            )
            running = asyncio.create_task(made.run())
            if during is not None:
                await scene.begun.wait()
                await during(scene, made)
            await running

        asyncio.run(all_of_it())
        return scene

    return run


Run = Callable[..., Scene]


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized("unauthorized", "no", 401),
        Forbidden("forbidden", "disabled", 403),
        Removed("removed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_who_may_not_connect_any_more_is_signed_out_and_does_not_try_again(
    run: Run, error: Exception
) -> None:
    scene = run(tickets=[error])
    assert scene.published == [events.SignedOut(str(error))]
    assert scene.given == 0


@pytest.mark.parametrize(
    "error",
    [
        ApiError("internal", "busy", 500),
        Forbidden("bad_request", "of a firewall before it", 403),
        Unauthorized("bad_request", "of a proxy before it", 401),
        Unreachable("http://127.0.0.1", "away"),
        OSError("no route"),
        TimeoutError(),
        StoreUnavailable("locked"),
        KeyError("ticket"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_passing_error_is_reported_and_the_call_repeated_after_a_pause(
    run: Run, error: Exception
) -> None:
    scene = run(tickets=[error])
    assert [retry for _, retry in scene.ends()] == [0, None]
    assert scene.of("connects") == ["connects with ticket.t1"]
    assert scene.of("writable", "rests") == ["writable", "rests 0.0", "writable"]


@pytest.mark.parametrize("error", [StoreError("damaged"), Closed("closed")])
def test_what_the_driver_has_reported_ends_it_without_another_word(
    run: Run, error: Exception
) -> None:
    scene = run(tickets=[error])
    assert (scene.published, scene.given) == ([], 0)


def test_a_limit_is_waited_for_as_long_as_it_says_and_a_little_longer_by_chance(run: Run) -> None:
    limits: list[Exception] = [RateLimited("rate_limited", "slower", 429, 60.0)] * 2
    scene = run(tickets=limits, pauses=0.5)
    assert [retry for _, retry in scene.ends()] == [60.5, 60.5, None]


def test_a_connection_that_answers_nothing_does_not_count_as_one_that_lasted() -> None:
    assert Settings().sync_timeout + Settings().gap_grace < connection.SETTLED


def test_who_is_displaced_stays_away(run: Run) -> None:
    scene = run(Stop())
    assert scene.ends() == [("stopped", None)]
    assert scene.given == 1


def test_a_planned_reconnect_says_nothing_and_its_ticket_is_used_once(run: Run) -> None:
    scene = run(PLANNED, None)
    assert [retry for _, retry in scene.ends()] == [0, None]
    assert scene.of("ticket", "sent", "left", "connects") == [
        "ticket 1",
        "connects with ticket.t1",
        "sent a receipt",
        "ticket 2",  # while the first one is still open
        "left",
        "connects with ticket.t2",
        "left",
        "ticket 3",
        "connects with ticket.t3",
        "left",
    ]


def test_the_window_of_each_ticket_counts_for_the_pause(run: Run) -> None:
    assert run(PLANNED).of("window") == ["window 7.0"] * 2


def test_a_device_that_the_backend_does_not_know_is_registered_again(run: Run) -> None:
    scene = run(tickets=[NotFound("not_found", "no such device", 404)])
    assert scene.of("came", "connects") == ["came back", "connects with ticket.t1"]


def test_a_device_that_was_removed_is_signed_out(run: Run) -> None:
    scene = run(tickets=[NotFound("not_found", "", 404)], removed=Removed("removed"))
    assert scene.published == [events.SignedOut("removed")]


@pytest.mark.parametrize(("settled", "calls"), [(0.0, ["settled"]), (3600.0, [])])
def test_pauses_begin_anew_only_after_a_connection_that_lasted(
    run: Run, monkeypatch: pytest.MonkeyPatch, settled: float, calls: list[str]
) -> None:
    monkeypatch.setattr(connection, "SETTLED", settled)
    assert run().of("settled") == calls


def test_also_where_the_ticket_for_the_next_connection_fails(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SETTLED", 0.0)
    scene = run(PLANNED, tickets=[None, Unreachable("http://127.0.0.1", "away")])
    assert scene.of("settled", "rests") == ["settled", "rests 0.0", "settled"]


def test_what_came_last_is_taken_when_a_connection_breaks(run: Run) -> None:
    scene = run(None, sends=BROKEN, last="displaced")
    assert scene.of("received")[0] == "received displaced"
    assert scene.calls.index("received displaced") < scene.calls.index("closed")


def test_who_closes_says_what_is_left_before_the_socket_closes(run: Run) -> None:
    async def opened(scene: Scene, made: Connection) -> None:
        await asyncio.sleep(0)
        await made.close()

    scene = run(WAITS, during=opened)
    assert scene.of("sent", "closes") == ["sent last words", "closes"]
    assert scene.ends() == [("stopped", None)]


@pytest.mark.parametrize(("end", "connections"), [("abort", 1), ("cut", 2)])
def test_who_aborts_stays_away_and_who_loses_the_connection_does_not(
    run: Run, end: str, connections: int
) -> None:
    async def ends(scene: Scene, made: Connection) -> None:
        await asyncio.sleep(0)
        getattr(made, end)()

    assert run(WAITS, during=ends).given == connections
