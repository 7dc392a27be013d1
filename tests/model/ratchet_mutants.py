"""Plausible mistakes with ratchets, each of which the model has to catch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from vodozemac import AnyOlmMessage, Session

from client.core import arrivals
from client.core.frames import Message, Receipt, Watermarks
from client.core.membership import Membership
from client.core.step import Step
from client.crypto import encryption, groups
from client.crypto.encryption import Encryption
from client.crypto.groups import OutboundGroups
from client.crypto.opening import Opener
from client.crypto.sessions import OlmSessions
from client.store import changes as stored_changes
from client.store.membership import StoredMembers
from client.store.vault import Vault


class Mutant(NamedTuple):
    name: str
    patches: tuple[tuple[Any, str, Any], ...]  # owner, attribute, instead
    rules: tuple[str, ...]  # of the model, as often as they stand here
    caught_as: str  # what the violation says
    first: int = 0  # a schedule that shows it, which is tried before all others


TALK = ("write", "things_travel")
CRASH = ("write", "a_frame_comes_twice_or_a_machine_crashes_over_it", "connect")


_save, _try = OlmSessions._save, OlmSessions._try
_elsewhere: dict[tuple[Vault, str], str] = {}


def _save_elsewhere(self: OlmSessions, session: Session, *, heard: bool) -> None:
    """As into a file of its own, which no transaction of the store takes back."""
    place = self._vault, session.session_id
    _elsewhere[place] = self._vault.lock(session, session.session_id)
    _save(self, session, heard=heard)


def _try_elsewhere(self: OlmSessions, session_id: str, message: AnyOlmMessage) -> bytes | None:
    locked = _elsewhere.get((self._vault, session_id))
    if locked is not None:
        self._db.execute(
            "UPDATE olm_sessions SET pickle = ? WHERE session_id = ?", (locked, session_id)
        )
    return _try(self, session_id, message)


def _receipt_of_anybody(self: Membership, step: Step, frame: Receipt) -> None:
    marks = Watermarks(frame.delivered, frame.read)
    members = {**self.members(step, frame.chat), frame.user: marks}
    step.ledger.set_members(frame.chat, members, 0)
    self._members[frame.chat] = members


def _asker_holds_nothing(self: OutboundGroups, chat: str, device: str) -> None:
    self._db.execute("DELETE FROM group_holders WHERE chat = ? AND device = ?", (chat, device))


def _knows_everybody(self: Opener, message: Message) -> bool:
    return True


MUTANTS = (
    Mutant(
        "state_is_saved_outside_the_transaction",
        ((OlmSessions, "_save", _save_elsewhere), (OlmSessions, "_try", _try_elsewhere)),
        CRASH,
        "can't open",
        first=1,
    ),
    Mutant(
        "the_session_stays_when_somebody_leaves",
        ((groups, "reason_to_rotate", lambda *_: None),),
        (*TALK, "members_change"),
        "is not in the chat",
    ),
    Mutant(
        "a_receipt_makes_its_sender_a_member",
        ((Membership, "receipt", _receipt_of_anybody),),
        (*TALK, "members_change", "a_receipt_comes_late"),
        "is not in the chat",
        first=14,
    ),
    Mutant(
        "who_asks_for_the_key_counts_as_having_none",
        ((OutboundGroups, "share_again", _asker_holds_nothing),),
        (*TALK, "members_change", "somebody_asks_for_what_was"),
        "is not in the chat",
        first=1,
    ),
    Mutant(
        "whom_the_sender_adds_is_sent_what_was",
        ((StoredMembers, "_adding", lambda *_: 0),),
        (*TALK, "a_device_adds_a_member", "somebody_asks_for_what_was"),
        "added the user later",
        first=10,
    ),
    Mutant(
        "whom_the_sender_adds_is_sent_what_was_under_way",
        ((StoredMembers, "not_for", lambda *_: False),),
        (*TALK, "a_device_adds_a_member", "somebody_asks_for_what_was"),
        "added the user later",
        first=7,
    ),
    Mutant(
        "who_comes_is_sent_what_was",
        ((StoredMembers, "_before", lambda *_: 0),),
        (*TALK, "members_change", "time_passes", *["somebody_asks_for_what_was"] * 3),
        "came .* after it",
        first=28,
    ),
    Mutant(
        "a_device_is_sent_what_was_before_it_was_made",
        ((encryption, "LEEWAY", math.inf),),
        (*TALK, "a_device_is_linked", "time_passes", "somebody_asks_for_what_was"),
        "was made .* after it",
        first=1,
    ),
    Mutant(
        "nobody_answers_who_cannot_read",
        (
            (Encryption, "_requested", lambda *_: None),
            (Encryption, "queue_copies", lambda *_: None),
        ),
        (*TALK, "a_device_is_linked", "a_post_is_lost"),
        "can't read",
        first=1,
    ),
    Mutant(
        "a_stranger_is_not_asked_for",
        ((Opener, "knows", _knows_everybody),),
        TALK,
        "can't (open|read)",
    ),
    Mutant(
        "what_is_not_for_people_is_shown",
        tuple(
            (module, name, lambda _: True)
            for module, name in (
                (arrivals, "is_written"),
                (arrivals, "is_shown"),
                (stored_changes, "is_shown"),
            )
        ),
        (*TALK, "a_device_is_linked"),
        "shows",
    ),
)
