"""A message takes one position, or its others are closed: in every order of what may go wrong.

The SDK tries an update a second time when a response is lost; a request may arrive after its sender
gave up; the function may end anywhere; another sender writes between; the client sends again.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ReadTimeoutError

from lambdas.attribute_values import from_wire
from lambdas.errors import ChatError
from lambdas.messages import append
from lambdas.messages.direct import DirectChats
from lambdas.messages.log import read_log
from lambdas.messages.message import stored
from lambdas.presence.devices import Devices
from lambdas.tables import Item, Table, seq_of
from tests.model.dynamodb import ConditionalCheckFailed, DynamoDB
from tests.model.world import TABLES

FATES = ("answered", "lost", "unanswered", "late")
ENDS = ("lives", "ends before the put", "ends after the put")
ARRIVALS = ("between the tries", "before the resend", "after the resend")


class Ended(Exception):
    """The function's process ended."""


class Case(NamedTuple):
    """What happens to a message that is sent, sent again, and once more if need be."""

    first: tuple[str, ...]  # the fates of the two tries of the first call's update
    another_between: bool
    end: str
    arrival: str  # when a late request arrives
    second: tuple[str, ...]


def cases() -> Iterator[Case]:
    """All that differ: a try that is answered is the last one of its update, a call that succeeds
    is the last one, and only what is late arrives at some time."""
    pairs = list(itertools.product(FATES, repeat=2))
    firsts = [("answered",), *(pair for pair in pairs if pair[0] != "answered")]
    for first, between, end, second in itertools.product(firsts, (False, True), ENDS, firsts):
        if first[-1] == "answered" and end == "lives" and second != firsts[0]:
            continue
        for arrival in ARRIVALS if "late" in first + second else ARRIVALS[:1]:
            yield Case(first, between, end, arrival, second)


class Sdk:
    """The client of one sender: two tries for an update, each with the next of `fates`."""

    exceptions = DynamoDB.exceptions

    def __init__(self, database: DynamoDB, between: Callable[[], None]) -> None:
        self._database, self._between = database, between
        self.fates: list[str] = []
        self.late: list[Any] = []

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._database, operation)

    def update_item(self, **request: Any) -> Any:
        for attempt in range(2):
            if attempt:
                self._between()
            fate = self.fates.pop(0) if self.fates else "answered"
            if fate == "answered":
                return self._database.update_item(**request)
            if fate == "unanswered":
                self._arrives(request)
            if fate == "late":
                self.late.append(request)
        raise ReadTimeoutError(endpoint_url="dynamodb")

    def late_ones_arrive(self) -> None:
        while self.late:
            self._arrives(self.late.pop())

    def _arrives(self, request: Any) -> None:
        try:
            self._database.update_item(**request)
        except ConditionalCheckFailed:
            return  # nobody waits for it


def sharing(user: str, device: str) -> str:
    """A device of another user that has the same slot in the head."""
    slot = append.Writer(user, device, "", "").slot
    names = (f"device{number}" for number in itertools.count())
    return next(name for name in names if append.Writer("raju", name, "", "").slot == slot)


class Run:
    """`other`: raju's device, which sends between."""

    def __init__(self, case: Case, other: str = "phone") -> None:
        self.case, self.other = case, other
        self.database = DynamoDB(TABLES)
        self.sdk = Sdk(self.database, self._between)
        self.chats, self.calm = Table(self.sdk, "Chats"), Table(self.database, "Chats")  # type: ignore[arg-type]
        users = Table(self.database, "Users")  # type: ignore[arg-type]
        for user in ("ravi", "raju"):
            Devices(users).create_user(user)
        self.chat = DirectChats(self.calm, users).begin("ravi", "raju")[0].chat
        self.calls = itertools.count()

    def sends(self, chats: Table, user: str, message_id: str, end: str = "lives") -> int:
        """One call of the function, as far as the log goes; the position that is accepted."""
        call = f"call{next(self.calls)}-"
        device = "phone" if user == "ravi" else self.other
        writer = append.Writer(user, device, message_id, call)
        frame = {"chat": self.chat, "message_id": message_id, "alg": "a", "payload": "p"}

        def item(seq: int) -> Item:
            at = next(self.calls)
            return stored(
                frame, seq=seq, sender=user, sender_device=device, sent_at=at, expires_at=at
            )

        position = append.take(chats, self.chat, writer, item)
        if position.stored:
            return position.seq
        if end == "ends before the put":
            raise Ended
        append.put(chats, item(position.seq))
        if end == "ends after the put":
            raise Ended
        return position.seq

    def _between(self) -> None:
        if self.case.another_between:
            self.sends(self.calm, "raju", f"other{next(self.calls)}")
        if self.case.arrival == "between the tries":
            self.sdk.late_ones_arrive()

    def accepted(self) -> int:
        """The client sends until it is accepted."""
        for attempt, fates in enumerate((self.case.first, self.case.second, ())):
            self.sdk.fates = list(fates)
            try:
                seq = self.sends(
                    self.chats, "ravi", "mine", self.case.end if attempt == 0 else "lives"
                )
            except (Ended, ReadTimeoutError, ChatError):
                if self.case.arrival == "before the resend":
                    self.sdk.late_ones_arrive()
                continue
            self.sdk.late_ones_arrive()
            return seq
        raise AssertionError("never accepted")

    def log(self) -> dict[int, Item]:
        items = [from_wire(item) for item in self.database._items["Chats"][self.chat].values()]
        return {seq_of(item): item for item in items if item["item"].startswith("message#")}

    def check(self) -> None:
        seq = self.accepted()
        log, head = self.log(), self.calm.get({"chat": self.chat, "item": "head"})
        assert head is not None
        assert sorted(log) == list(range(1, head["seq"] + 1)), f"a hole: {self.case}"
        mine = [place for place, item in log.items() if item.get("message_id") == "mine"]
        assert mine == [seq], f"not once: {self.case}"


def test_no_order_of_events_leaves_a_hole_or_a_second_copy() -> None:
    for case in cases():
        Run(case).check()


@pytest.mark.deep
def test_senders_who_share_a_slot_leave_holes_for_15_s_and_nothing_worse() -> None:
    """Only if the other one sends between the tries: then the head has forgotten the first."""
    most, with_holes = 0, 0
    for case in cases():
        run = Run(case, other=sharing("ravi", "phone"))
        accepted = run.accepted()
        run.sends(run.calm, "raju", "later")
        log = run.log()
        assert log[accepted].get("message_id") == "mine"
        last, now = max(log), next(run.calls) / 1000
        holes = set(range(1, last)) - log.keys()
        assert not holes or case.another_between
        most, with_holes = max(most, len(holes)), with_holes + bool(holes)
        items = [{**log[seq], "expires_at": 1_000} for seq in sorted(log)]
        for wait, read_to in ((14.9, min(holes, default=last + 1) - 1), (15.1, last)):
            stretch = read_log(items, after=0, seq=last, purged_to=0, ended=True, now=now + wait)
            assert stretch.complete_to == read_to
    assert with_holes > 0 and most == 2, "one for each call whose response was lost"


def test_a_head_that_forgets_who_took_its_positions_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = itertools.count()
    monkeypatch.setattr(append.Writer, "digest", property(lambda _: str(next(numbers))))
    with pytest.raises(AssertionError, match="a hole"):
        for case in cases():
            Run(case).check()


def test_a_position_that_is_not_closed_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append, "_settle", lambda *_: None)
    with pytest.raises(AssertionError, match=r"a hole|not once"):
        for case in cases():
            Run(case).check()


def test_senders_of_these_tests_do_not_share_a_slot() -> None:
    slots = {append.Writer(user, "phone", "", "").slot for user in ("ravi", "raju")}
    assert len(slots) == 2
