"""The view of messages and chats: how they are shown with all changes applied. No I/O.

The view does not depend on the order in which messages arrive, or how often: it follows from the
set of messages, ordered by the log.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from client.core.content import MessageContent, Reference


class Change(NamedTuple):
    """A message that changes another one. `seq` is None until it is accepted: it is newest then.

    `number` orders what has the same seq, or none.
    """

    user: str
    content: MessageContent
    seq: int | None
    number: int

    @property
    def place(self) -> tuple[float, int]:
        return (math.inf if self.seq is None else self.seq, self.number)


class Reaction(NamedTuple):
    user: str
    emoji: str


@dataclass(frozen=True, slots=True)
class View:
    """`text` is None as long as nobody has edited it. Reactions stand in the order of the log."""

    text: str | None = None
    deleted: bool = False
    reactions: tuple[Reaction, ...] = ()


def view(target: Reference, changes: Iterable[Change]) -> View:
    """Only its author edits or deletes a message; everybody has one reaction to it."""
    text, deleted = None, False
    reactions: dict[str, str | None] = {}
    for change in sorted(changes, key=lambda change: change.place):
        own = change.user == target.user
        match change.content.kind:
            case "edit" if own:
                text = change.content.text
            case "deletion" if own:
                deleted = True
            case "reaction":
                reactions.pop(change.user, None)
                reactions[change.user] = change.content.fields["emoji"]
    if deleted:
        return View(deleted=True)
    shown = tuple(Reaction(user, emoji) for user, emoji in reactions.items() if emoji is not None)
    return View(text, reactions=shown)


def newest(writings: Iterable[Change]) -> Change | None:
    """The newest of the messages that set the name, the picture or the timer of a chat.

    One with `at` repeats for newcomers what was written there: it stands at that place, behind the
    original, and never above its own.
    """

    def place(writing: Change) -> tuple[float, bool, float, int]:
        seq, number = writing.place
        at = writing.content.fields.get("at")
        return (seq, True, seq, number) if at is None else (min(at, seq), False, seq, number)

    return max(writings, key=place, default=None)
