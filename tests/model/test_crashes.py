"""A function's process ends at each of its calls in turn, once and twice, with no other fault.

Everything before that call has happened, nothing after it does, and nobody gets what the function
returns. An event source gives its batch again; a client asks again.
"""

from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from itertools import count

import pytest

from lambdas.delivery import delivery_watch, push
from tests.model.mutant import Mutant, edited
from tests.model.schedule import Schedule
from tests.model.small import small
from tests.model.stage import AWAY, device_of, stage
from tests.model.world import Crash

MOST_CALLS = 60
Act = Callable[[Schedule], None]


@pytest.fixture(autouse=True)
def unexpected() -> Iterator[list[BaseException]]:
    with small() as found, redirect_stdout(StringIO()):
        yield found


def _sends(schedule: Schedule) -> None:
    for chat in schedule.clients.chats:
        schedule.clients.send_text(device_of(schedule, "ravi/phone"), chat)


def _sends_again(schedule: Schedule) -> None:
    """The client did not get `accepted`."""
    _sends(schedule)
    schedule.events.finish()
    schedule.clients.resend(device_of(schedule, "ravi/phone"))


def _comes_back(schedule: Schedule) -> None:
    """With another connection, after a text; the old one may still be there."""
    _sends(schedule)
    schedule.events.finish()
    device = device_of(schedule, AWAY)
    schedule.connecting.connect(device)
    schedule.connecting.connect(device)
    schedule.clients.sync(device)


def _leaves(schedule: Schedule) -> None:
    schedule.connecting.leave(device_of(schedule, "mira/phone"))
    _sends(schedule)


def _is_not_reached(schedule: Schedule) -> None:
    """The connection is dead, and nobody knows."""
    schedule.connecting.leave(device_of(schedule, "mira/phone"), silently=True)
    _sends(schedule)


def _reads(schedule: Schedule) -> None:
    """What rang on one device is read on another one."""
    _sends(schedule)
    schedule.events.finish()
    schedule.events.all_of_it()
    schedule.connecting.connect(device_of(schedule, AWAY))
    schedule.reads = True


def _messages_expire(schedule: Schedule) -> None:
    _sends(schedule)
    schedule.events.finish()
    schedule.events.days_pass()


def _device_comes(schedule: Schedule) -> None:
    schedule.people.add("anna", "new")
    _sends(schedule)


def _device_goes(schedule: Schedule) -> None:
    device = device_of(schedule, "mira/phone")
    device.removed_by = device.token
    schedule.people.remove(device)
    _sends(schedule)


def _members(add: bool) -> Act:
    def act(schedule: Schedule) -> None:
        names = {"add": ["anna"]} if add else {"remove": ["mira"]}
        for _ in range(2):  # who gets no answer asks again
            schedule.people.change(device_of(schedule, "ravi/phone"), names)
            schedule.events.finish()
            _sends(schedule)

    return act


def _keys(schedule: Schedule) -> None:
    for _ in range(2):
        schedule.people.uploads_keys()
        schedule.people.claims_keys()
        schedule.events.finish()


def _reads_back(schedule: Schedule) -> None:
    _sends(schedule)
    schedule.events.finish()
    schedule.people.reads_back()


SCENES: dict[str, tuple[str, Act]] = {
    "send": ("send of", _sends),
    "send, of a message that is there": ("send of", _sends_again),
    "sync": ("sync of", _comes_back),
    "receipt": ("receipt of", _reads),
    "ticket": ("ticket of", _comes_back),
    "authorizer": ("authorizer", _comes_back),
    "$connect": ("$connect of", _comes_back),
    "$disconnect": ("$disconnect of", _leaves),
    "watch, of a post that was lost": ("watch", _is_not_reached),
    "watch, of what is read": ("watch", _reads),
    "watch, of what has expired": ("watch", _messages_expire),
    "push, a ring": ("push to", _is_not_reached),
    "push, taking back": ("push to", _reads),
    "a device registers": ("PUT /api/devices", _device_comes),
    "a device is removed": ("DELETE /api/devices", _device_goes),
    "a member is added": ("POST /api/chats", _members(add=True)),
    "a member is removed": ("POST /api/chats", _members(add=False)),
    "keys are uploaded": ("POST /api/devices", _keys),
    "keys are claimed": ("POST /api/keys", _keys),
    "what was is read": ("GET /api/chats", _reads_back),
}


def _run(name: str, act: Act, step: int, times: int) -> bool:
    """Whether the function has come to that step."""
    schedule = stage()
    crash = schedule.world.crash = Crash(name, step, times)
    schedule.world.begin_step("act")
    act(schedule)
    for _ in range(times):  # whoever got no answer asks again
        schedule.events.finish()
        schedule.people.complete()
    schedule._come_to_rest()
    return crash.times < times


FEW = ("send", "a device is removed")
CASES = [
    pytest.param(scene, times, marks=[] if scene in FEW and times == 1 else pytest.mark.deep)
    for scene in SCENES
    for times in (1, 2)
]


@pytest.mark.parametrize(("scene", "times"), CASES)
def test_a_function_may_end_at_each_of_its_calls(
    scene: str, times: int, unexpected: list[BaseException]
) -> None:
    _crashes_everywhere(scene, times)
    assert not unexpected


def _crashes_everywhere(scene: str, times: int) -> None:
    name, act = SCENES[scene]
    for step in count(1):
        assert step < MOST_CALLS
        try:
            if not _run(name, act, step, times):
                break
        except Exception as fault:
            fault.add_note(f"{name} ended in front of step {step}")
            raise
    assert step > 2, "nothing of that name has run"


MUTANTS = (
    (
        "push, a ring",
        edited(
            "what_rang_is_recorded_first",
            (push, "push"),
            (
                "    failed = _publish(",
                "    before = {name: each.after for name, each in plan.devices.items()}\n"
                "    at = int(now * 1000)\n"
                "    first = Rings(rings.begun, rings.begun, plan.seq, at, before, plan.recent, at)\n"
                "    store.record(job.user, job.chat, first)\n"
                "    failed = _publish(",
            ),
            "not woken",
        ),
    ),
    (
        "receipt",
        Mutant(
            "only_the_receipt_takes_back",
            delivery_watch,
            "_take_back",
            lambda *_: None,
            "still shows|counts",
        ),
    ),
)


@pytest.mark.deep
@pytest.mark.parametrize(("scene", "mutant"), MUTANTS, ids=lambda each: getattr(each, "name", each))
def test_a_crash_shows_a_mistake_in_the_order_of_calls(
    scene: str, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutant.owner, mutant.attribute, mutant.instead)
    with pytest.raises(AssertionError, match=mutant.caught_as):
        _crashes_everywhere(scene, 1)
