"""The verdict of a chaos run: what people sent, compared with what each of them was shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Sent(NamedTuple):
    message_id: str
    chat: str
    sender: str
    text: str
    accepted: bool


class Shown(NamedTuple):
    """A message of somebody else, in the order of showing. `life` counts the times that the
    client was started: what one life has shown, the next may show again."""

    chat: str
    seq: int
    message_id: str
    life: int


class Ring(NamedTuple):
    chat: str
    message_id: str


class Verdict(NamedTuple):
    """Everything from `unaccepted` on should be 0."""

    sent: int
    accepted: int
    due: int  # deliveries: each accepted message to each other member
    shown: int
    unaccepted: int
    lost: int
    doubled: int
    out_of_order: int
    rings_lacking: int
    rings_twice: int

    @property
    def good(self) -> bool:
        return not any(self[4:]) and self.accepted > 0

    def rows(self) -> list[tuple[str, int]]:
        return [(name.replace("_", " "), count) for name, count in self._asdict().items()]


def judge(
    members: Mapping[str, Sequence[str]],
    sent: Sequence[Sent],
    shown: Mapping[str, Sequence[Shown]],
    histories: Mapping[str, Mapping[str, tuple[int, str | None]]],
    rings: Mapping[str, Sequence[Ring]],
) -> Verdict:
    """`members` by chat; `shown` and `histories` (message_id -> seq and text) by person; `rings` by
    person who was away all the time, in the order of arrival."""
    accepted = [message for message in sent if message.accepted]
    due = [
        (person, message)
        for message in accepted
        for person in members[message.chat]
        if person != message.sender
    ]
    there = sum(
        histories[person].get(message.message_id, (0, None))[1] == message.text
        for person, message in due
    )
    return Verdict(
        sent=len(sent),
        accepted=len(accepted),
        due=len(due),
        shown=there,
        unaccepted=len(sent) - len(accepted),
        lost=len(due) - there,
        doubled=sum(_doubled(each) for each in shown.values()),
        out_of_order=sum(_out_of_order(each) for each in shown.values()) + _disputed(histories),
        rings_lacking=_rings_lacking(members, accepted, histories, rings),
        rings_twice=sum(_doubled_rings(each) for each in rings.values()),
    )


def _doubled(shown: Sequence[Shown]) -> int:
    counts = Counter((each.message_id, each.life) for each in shown)
    return sum(count - 1 for count in counts.values())


def _out_of_order(shown: Sequence[Shown]) -> int:
    last: dict[tuple[str, int], int] = {}
    wrong = 0
    for each in shown:
        place = each.chat, each.life
        wrong += each.seq <= last.get(place, 0)
        last[place] = max(each.seq, last.get(place, 0))
    return wrong


def _disputed(histories: Mapping[str, Mapping[str, tuple[int, str | None]]]) -> int:
    """Messages that stand at another place for one person than for another."""
    places: dict[str, set[int]] = {}
    for history in histories.values():
        for message_id, (seq, _) in history.items():
            places.setdefault(message_id, set()).add(seq)
    return sum(len(each) > 1 for each in places.values())


def _rings_lacking(
    members: Mapping[str, Sequence[str]],
    accepted: Sequence[Sent],
    histories: Mapping[str, Mapping[str, tuple[int, str | None]]],
    rings: Mapping[str, Sequence[Ring]],
) -> int:
    """Chats whose newest text did not ring. One ring may stand for several texts, the newest."""
    lacking = 0
    for person, heard in rings.items():
        history = histories[person]
        newest: dict[str, tuple[int, str]] = {}
        for message in accepted:
            if person in members[message.chat] and person != message.sender:
                seq = history.get(message.message_id, (0, None))[0]
                place = seq, message.message_id
                newest[message.chat] = max(newest.get(message.chat, (0, "")), place)
        lacking += sum(Ring(chat, newest[chat][1]) not in heard for chat in newest)
    return lacking


def _doubled_rings(rings: Sequence[Ring]) -> int:
    return sum(count - 1 for count in Counter(rings).values())
