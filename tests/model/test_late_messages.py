"""A message comes to the log minutes after its writer gave up, and its void item was lost as well.

Others have gone on meanwhile. The message arrives before or after each thing that they do; then its
sender, who had no answer, sends it again. Everybody shows it once, or again as a copy.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from lambdas.delivery import purge, ringing
from lambdas.messages import history
from lambdas.messages.log import HOLE_SECONDS
from tests.model.mutant import Mutant, edited
from tests.model.schedule import Schedule
from tests.model.small import small
from tests.model.stage import AWAY, device_of, stage

Act = Callable[[], None]
WRITER, READER = "ravi/phone", "mira/desk"  # of which the head remembers in two places
PAGES = 3  # of a sync of all chats


@pytest.fixture(autouse=True)
def unexpected() -> Iterator[list[BaseException]]:
    with small() as found, redirect_stdout(StringIO()):
        yield found


def _sends_a_late_message(schedule: Schedule) -> None:
    world, put = schedule.world, schedule.world.database.put_item

    def fails(**request: Any) -> Any:
        if "message_id" in request["Item"]:
            world.in_flight.append(lambda: put(**request))
            raise ReadTimeoutError(endpoint_url="dynamodb")
        if request["Item"].get("void"):
            raise ConnectTimeoutError(endpoint_url="dynamodb")
        return put(**request)

    world.database.put_item = fails  # type: ignore[method-assign]
    schedule.clients.send_text(device_of(schedule, WRITER), schedule.group)
    schedule.events.finish()
    world.database.put_item = put  # type: ignore[method-assign]
    assert len(world.in_flight) == 1


def _acts(schedule: Schedule, *, all_come: bool) -> Sequence[Act]:
    """What others do, one after the other; who is away comes, or not."""
    events, clients = schedule.events, schedule.clients
    reader, away = device_of(schedule, READER), device_of(schedule, AWAY)

    def catch_up() -> None:
        for _ in range(PAGES):
            for device in schedule.devices:
                device.wants_sync = True
                clients.sync(device)
            events.finish()
            for device in schedule.devices:
                while clients.receive_one(device):
                    pass
                clients.report(device, reading=False)

    read_back = partial(schedule.people.read_back, reader, schedule.group, 0)
    first: tuple[Act, ...] = (events.all_of_it, read_back, catch_up, events.all_of_it)
    if not all_come:
        return first
    comes = partial(schedule.connecting.connect, away)
    loses_its_store = partial(schedule.connecting.restore, reader)
    return (*first, comes, catch_up, events.all_of_it, loses_its_store)


def _run(next_from: str, arrives: int, *, all_come: bool) -> bool:
    """Whether there was something to overtake."""
    schedule = stage()
    schedule.world.begin_step("act")
    _sends_a_late_message(schedule)
    schedule.clients.send_text(device_of(schedule, next_from), schedule.group)
    schedule.events.finish()
    schedule.world.now += HOLE_SECONDS + 1
    acts = _acts(schedule, all_come=all_come)
    for act in acts[:arrives]:
        act()
        schedule.events.finish()
    schedule.events.late_requests_arrive()
    for act in acts[arrives:]:
        act()
        schedule.events.finish()
    schedule._come_to_rest()
    return arrives < len(acts)


def _all_orders(next_from: str) -> None:
    for all_come in (True, False):
        arrives = 0
        while _run(next_from, arrives, all_come=all_come):
            arrives += 1


@pytest.mark.parametrize("next_from", [WRITER, pytest.param(READER, marks=pytest.mark.deep)])
def test_a_message_that_comes_late_is_shown_or_is_not_there(
    next_from: str, unexpected: list[BaseException]
) -> None:
    """The writer's own next message takes the place in which the head remembers the late one."""
    _all_orders(next_from)
    assert not unexpected


MUTANTS = (
    edited(
        "a_reader_leaves_a_hole_open", (history, "read"), ("stretch.open", "()"), "passed|never"
    ),
    Mutant("a_void_item_is_purged", purge, "_keeps_closed", lambda *_: False, "passed|never"),
    edited(
        "a_push_passes_a_hole",
        (ringing, "_complete_to"),
        ("log.LATE_SECONDS", "log.HOLE_SECONDS"),
        "not woken|counts",
    ),
)


@pytest.mark.deep
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_one_rule_less_loses_it(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutant.owner, mutant.attribute, mutant.instead)
    with pytest.raises(AssertionError, match=mutant.caught_as):
        for next_from in (READER, WRITER):
            _all_orders(next_from)
