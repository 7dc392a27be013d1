"""Plausible mistakes in what strangers, and who was blocked, get and learn."""

from typing import Any

from lambdas.delivery import push, receipt, ringing
from lambdas.messages import history, send, sync_plan
from lambdas.messages.direct import DirectChats, _Change
from lambdas.tables import Item
from tests.model.mutant import Mutant, edited

MUCH_OF = ("stranger_writes", "asked_one_answers", "somebody_blocks", "somebody_unblocks")
REQUESTS = ("stranger_writes", "request_is_declined")


def _hides_nothing(*_: Any) -> frozenset[str]:
    return frozenset()


def _is_seen_by_all(*_: Any) -> bool:
    return True


def _shows_everything(*_: Any) -> bool:
    return False


def _rings_for_what_is_hidden(item: Item, user: str, _device: str | None = None) -> bool:
    return not item.get("void") and not item.get("hidden") and item["sender"] != user


def _only_the_contact(_self: DirectChats, _head: Item, _change: _Change) -> dict[str, Any]:
    return _self._users.check_action({"user": "nobody", "item": "none"}, "attribute_not_exists(x)")


STRANGER_MUTANTS = (
    Mutant("a_block_hides_nothing", send, "_hidden_from", _hides_nothing, "hides this", MUCH_OF),
    Mutant("what_is_hidden_is_posted", send, "is_visible", _is_seen_by_all, "is shown", MUCH_OF),
    Mutant(
        "readers_see_what_is_hidden", history, "is_visible", _is_seen_by_all, "shown|shows", MUCH_OF
    ),
    Mutant(
        "what_is_hidden_rings",
        ringing,
        "is_text_for",
        _rings_for_what_is_hidden,
        "does not show|counts",
        MUCH_OF,
    ),
    Mutant(
        "who_has_not_answered_sends_receipts",
        receipt,
        "shows_nothing_of",
        _shows_everything,
        "shows nothing",
        REQUESTS,
    ),
    Mutant(
        "a_sync_shows_marks_of_whom_it_may_not",
        sync_plan,
        "shows_nothing_of",
        _shows_everything,
        "shows nothing",
        REQUESTS,
    ),
    edited(
        "a_request_rings_each_time",
        (push, "is_quiet"),
        ("user == request_of and rang_at", "False"),
        "a request rang",
        ("stranger_writes", "push_runs", "watch_runs"),
    ),
    edited(
        "who_is_blocked_may_not_write",
        (send, "send"),
        ("if caller.user in position.blocked_by:", "if position.blocked_by:"),
        "may do this",
        MUCH_OF,
    ),
    Mutant(
        "a_block_is_a_contact_alone",
        DirectChats,
        "_head_action",
        _only_the_contact,
        "and the chat has",
        MUCH_OF,
    ),
)
