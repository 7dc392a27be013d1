"""Plausible mistakes, each of which the model has to catch: what keeps the model honest."""

from collections.abc import Sequence
from typing import Any

from lambdas.delivery import delivery_watch, members, watermarks
from lambdas.delivery.roster import Registered, Roster
from lambdas.messages import append, log, sync, sync_plan
from lambdas.messages.chats import Chats
from lambdas.messages.heads import Head
from lambdas.messages.membership import Membership
from lambdas.presence import devices
from lambdas.presence.devices import Device, Devices, Forgotten
from lambdas.tables import ConditionFailed, Item, Table, chat_key, member_item
from tests.model.access_mutants import ACCESS_MUTANTS
from tests.model.device import Device as Client
from tests.model.fault_mutants import FAULT_MUTANTS
from tests.model.mutant import Mutant
from tests.model.push_mutants import PUSH_MUTANTS
from tests.model.schedule import HARSH
from tests.model.stranger_mutants import STRANGER_MUTANTS

_add = Membership._add
_post = sync._post
_entry = sync_plan.entry
_names = Chats.names


def _floor_of_any_device(roster: Roster, _registered: Registered, _unseen_since: int) -> int:
    return min((log.delivered(member) for member in roster.items.values()), default=0)


def _move_anywhere(
    chats: Table,
    chat: str,
    user: str,
    device: str,
    step: watermarks.Step,
    *,
    strict: bool,
    private: bool,
) -> Item:
    del strict, private
    key = chat_key(chat, member_item(user))
    before = chats.get(key, consistent=True)
    if before is None:
        raise ConditionFailed(None)
    delivered = {**before["delivered"], device: step.delivered}
    chats.put({**before, "delivered": delivered, "read": step.read or before["read"]})
    return before


def _forget_whatever_is_there(
    self: Devices, user: str, device: str, _connection_id: str, now: float
) -> Forgotten:
    return Forgotten(True, self._end_lease(user, device, "attribute_exists(devices.#d)", now))


def _disconnect_whatever_is_there(
    self: Devices, user: str, device: str, _connection_id: str, now: float
) -> dict[str, Device]:
    return self._end_lease(user, device, "attribute_exists(devices.#d)", now)


def _connect_without_looking(
    self: Devices,
    user: str,
    device: str,
    connection_id: str,
    at: int,
    _asked_at: int | None = None,
    _opened_by: str | None = None,
) -> dict[str, Device]:
    return self._update(
        user,
        device,
        "SET devices.#d.connection_id = :id, devices.#d.connected_at = :at",
        "attribute_exists(devices.#d)",
        returns="ALL_OLD",
        id=connection_id,
        at=at,
    )


def _put_over(chats: Table, new: Item, _message: Item) -> bool:
    chats.put(new)
    return False


def _add_at_any_seq(
    self: Membership, head: Head, members: Sequence[str], **how: bool
) -> list[dict[str, Any]]:
    actions = _add(self, head, members, **how)
    update = actions[0]["Update"]
    assert "seq = :seq" in update["ConditionExpression"]
    update["ConditionExpression"] = update["ConditionExpression"].replace("seq =", "seq >=")
    return actions


def _post_and_hope(*arguments: Any) -> bool:
    _post(*arguments)
    return True


def _entry_from_the_start(head: Head, _after: int, *rest: Any) -> dict[str, Any]:
    return _entry(head, 0, *rest)


def _names_but_one(
    self: Chats, user: str, cursor: str | None = None, limit: int | None = None
) -> tuple[list[str], str | None]:
    found, following = _names(self, user, cursor, limit)
    return (found, following) if following is None else (found, _names(self, user, following, 1)[1])


MUTANTS = (
    Mutant("a_watermark_moves_back", members, "_write", _move_anywhere, "moved back"),
    Mutant(
        "gone_ends_a_newer_lease",
        Devices,
        "forget",
        _forget_whatever_is_there,
        "no lease|no rest|never notified",
    ),
    Mutant(
        "gone_ends_an_opening_lease",
        devices,
        "OPENING_SECONDS",
        0,
        "no lease|no rest|never notified|not nudged",
    ),
    Mutant(
        "a_late_disconnect_ends_a_newer_lease",
        Devices,
        "disconnect",
        _disconnect_whatever_is_there,
        "no lease|no rest|never notified",
    ),
    Mutant(
        "an_older_connection_takes_the_lease",
        Devices,
        "connect",
        _connect_without_looking,
        "lease|no rest",
    ),
    Mutant(
        "the_purge_ignores_a_device",
        delivery_watch,
        "floor",
        _floor_of_any_device,
        "was deleted|never showed",
    ),
    Mutant("a_late_put_undoes_a_void", append, "_put_once", _put_over, "twice|passed"),
    Mutant(
        "a_new_member_sees_what_was_before",
        Membership,
        "_add",
        _add_at_any_seq,
        "shows|before joining|counts",
        ("members_change",),
    ),
    Mutant(
        "sync_counts_failed_posts",
        sync,
        "_post",
        _post_and_hope,
        "never showed|no rest|not nudged",
        (HARSH, "is_restored"),
    ),
    Mutant(
        "sync_hides_from_where",
        sync_plan,
        "entry",
        _entry_from_the_start,
        "never showed",
        ("reports", "is_restored", "is_backed_up"),
    ),
    Mutant(
        "a_client_trusts_any_answer",
        Client,
        "_trusts",
        lambda *_: True,
        "never showed",
        ("reports", "is_restored", "is_backed_up"),
    ),
    Mutant("a_page_leaves_out_a_chat", Chats, "names", _names_but_one, "never showed"),
    *FAULT_MUTANTS,
    *ACCESS_MUTANTS,
    *PUSH_MUTANTS,
    *STRANGER_MUTANTS,
)
