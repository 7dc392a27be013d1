"""Plausible mistakes with ratchets, each of which the model has to catch."""

from __future__ import annotations

from typing import Any, NamedTuple

from vodozemac import AnyOlmMessage, Session

from client.core import arrivals
from client.core.frames import Message
from client.crypto import groups
from client.crypto.encryption import Encryption
from client.crypto.opening import Opener
from client.crypto.sessions import OlmSessions
from client.crypto.vault import Vault


class Mutant(NamedTuple):
    name: str
    patches: tuple[tuple[Any, str, Any], ...]  # owner, attribute, instead
    rules: tuple[str, ...]  # of the model, as often as they stand here
    caught_as: str  # what the violation says


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


def _knows_everybody(self: Opener, message: Message) -> bool:
    return True


MUTANTS = (
    Mutant(
        "state_is_saved_outside_the_transaction",
        ((OlmSessions, "_save", _save_elsewhere), (OlmSessions, "_try", _try_elsewhere)),
        CRASH,
        "can't open",
    ),
    Mutant(
        "the_session_stays_when_somebody_leaves",
        ((groups, "reason_to_rotate", lambda *_: None),),
        (*TALK, "members_change"),
        "is not in the chat",
    ),
    Mutant(
        "nobody_answers_who_cannot_read",
        ((Encryption, "_requested", lambda *_: None), (Encryption, "owe", lambda *_: None)),
        (*TALK, "a_device_is_linked", "a_post_is_lost"),
        "can't read",
    ),
    Mutant(
        "a_stranger_is_not_asked_for",
        ((Opener, "knows", _knows_everybody),),
        TALK,
        "can't (open|read)",
    ),
    Mutant(
        "what_is_not_for_people_is_shown",
        ((arrivals, "is_shown", lambda _: True),),
        (*TALK, "a_device_is_linked"),
        "shows",
    ),
)
