"""`make chaos`: what it counts, which faults it draws, and the proxy by which it cuts."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.rows import rows
from tools.chaos import faults, system
from tools.chaos.people import Person
from tools.chaos.proxy import Proxy
from tools.chaos.verdict import Ring, Sent, Shown, Verdict, judge

MEMBERS = {"chat": ["ravi", "raju", "mira"]}  # mira is away
SENT = [Sent("one", "chat", "ravi", "hi", True), Sent("two", "chat", "raju", "ho", True)]
SHOWN = {"ravi": [Shown("chat", 2, "two", 1)], "raju": [Shown("chat", 1, "one", 1)]}
HISTORIES: dict[str, dict[str, tuple[int, str | None]]] = {
    "ravi": {"two": (2, "ho")},
    "raju": {"one": (1, "hi")},
    "mira": {"one": (1, "hi"), "two": (2, "ho")},
}
RINGS = {"mira": [Ring("chat", "two")]}  # one ring for both
GOOD: dict[str, Any] = {"sent": SENT, "shown": SHOWN, "histories": HISTORIES, "rings": RINGS}

WRONG: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "not accepted": (
        {"sent": [SENT[0], SENT[1]._replace(accepted=False)]},
        {"accepted": 1, "unaccepted": 1, "due": 2, "shown": 2, "rings_lacking": 1},
    ),
    "lost": ({"histories": {**HISTORIES, "raju": {}}}, {"shown": 3, "lost": 1}),
    "not to be read": (
        {"histories": {**HISTORIES, "raju": {"one": (1, None)}}},
        {"shown": 3, "lost": 1},
    ),
    "at two places": (
        {"histories": {**HISTORIES, "ravi": {"two": (3, "ho")}}},
        {"out_of_order": 1},
    ),
    "shown twice": (
        {"shown": {**SHOWN, "ravi": SHOWN["ravi"] * 2}},
        {"doubled": 1, "out_of_order": 1},
    ),
    "shown again in another life": (
        {"shown": {**SHOWN, "ravi": [*SHOWN["ravi"], Shown("chat", 2, "two", 2)]}},
        {},
    ),
    "the later one first": (
        {"shown": {**SHOWN, "ravi": [Shown("chat", 2, "two", 1), Shown("chat", 1, "three", 1)]}},
        {"out_of_order": 1},
    ),
    "no ring": ({"rings": {"mira": []}}, {"rings_lacking": 1}),
    "a ring for the older one only": (
        {"rings": {"mira": [Ring("chat", "one")]}},
        {"rings_lacking": 1},
    ),
    "two rings for one": ({"rings": {"mira": RINGS["mira"] * 2}}, {"rings_twice": 1}),
}
EXPECTED = Verdict(2, 2, 4, 4, 0, 0, 0, 0, 0, 0)


def test_where_all_is_as_it_should_be_nothing_is_counted() -> None:
    verdict = judge(MEMBERS, **GOOD)
    assert verdict == EXPECTED and verdict.good


@rows(("changes", "counts"), WRONG.values(), ids=WRONG)
def test_each_fault_is_counted_as_what_it_is(
    changes: dict[str, Any], counts: dict[str, int]
) -> None:
    verdict = judge(MEMBERS, **{**GOOD, **changes})
    assert verdict == EXPECTED._replace(**counts)
    assert verdict.good == (not counts)


def test_where_nothing_was_accepted_nothing_was_shown_to_be_good() -> None:
    assert not judge(MEMBERS, [], {}, {name: {} for name in HISTORIES}, {}).good


def test_the_same_seed_draws_the_same_faults_and_a_restart_among_them() -> None:
    drawn = faults.schedule(180, Random(7))
    assert drawn == faults.schedule(180, Random(7)) != faults.schedule(180, Random(8))
    assert [fault.kind for fault in drawn].count(faults.RESTART) == 1
    assert {fault.kind for fault in drawn} == {*faults.WEIGHTS, faults.RESTART}
    assert max(fault.at for fault in drawn) < 180 * (1 - faults.QUIET)


class Worker:
    """A process that is given an event, and continued for it, before the signals with `events`'
    numbers."""

    def __init__(self, stopped: bool, *events: int) -> None:
        self.stopped, self.events = stopped, events
        self.sent: list[int] = []

    def is_stopped(self, _pid: int) -> bool:
        self.stopped = self.stopped and len(self.sent) not in self.events
        return self.stopped

    def kill(self, _pid: int, number: int) -> None:
        self.sent.append(number)
        self.stopped = number == signal.SIGSTOP


@pytest.mark.parametrize(
    ("worker", "stopped_after"),
    [(Worker(False), False), (Worker(True), True), (Worker(True, 1), False)],
    ids=["it has an event", "it is idle", "it is idle, and gets an event"],
)
def test_a_worker_is_frozen_again_if_it_gets_an_event_and_goes_on_with_it_at_the_end(
    worker: Worker, stopped_after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "is_stopped", worker.is_stopped)
    monkeypatch.setattr(os, "kill", worker.kill)
    asyncio.run(system.freeze(1, 2.5 * system.STOP_EVERY))
    assert worker.sent[:3] == [signal.SIGSTOP] * 3
    assert worker.sent[3:] == ([] if stopped_after else [signal.SIGCONT])


def test_a_stopped_process_is_known_by_its_state() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            for number, option in (
                (signal.SIGSTOP, os.WUNTRACED),
                (signal.SIGCONT, os.WCONTINUED),
            ):
                os.kill(process.pid, number)
                os.waitpid(process.pid, option)
                assert system.is_stopped(process.pid) == (number == signal.SIGSTOP)
        finally:
            process.kill()
    assert not system.is_stopped(process.pid)


def test_the_proxy_replaces_words_and_its_connections_can_be_cut_and_blackholed() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(b"over there: " + line)

    async def scenario() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        proxy = Proxy(server.sockets[0].getsockname()[1], {b"there": b"here!"})
        await proxy.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"over here!: hello\n"
        hole = asyncio.create_task(proxy.blackhole(1, 0.2, Random(1)))
        await asyncio.sleep(0)
        writer.write(b"lost\n")
        assert await reader.read() == b""  # nothing until it ends
        assert await hole == 1
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"again\n")
        assert await reader.readline() == b"over here!: again\n"
        assert proxy.cut(5, Random(1)) == 1
        assert await reader.read() == b""
        await proxy.stop()
        server.close()

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_client_that_is_still_coming_does_not_crash(tmp_path: Path) -> None:
    """Whoever starts it would go on with a client that has ended."""
    ravi = Person("ravi", "http://127.0.0.1:1", tmp_path, coming=True)
    ravi.client = object()  # type: ignore[assignment]
    none: Any = None
    scene = faults.Scene(none, [ravi], [], Random(1))
    assert asyncio.run(faults.make("crash a client", scene)) == "crash a client: 0"
