"""The member items of a chat: all of them for the delivery watch, one to move its watermarks."""

from collections.abc import Sequence

from lambdas.delivery.roster import Roster
from lambdas.delivery.watermarks import Moved, Step, applied, is_private, marks, remaining
from lambdas.tables import HEAD, ConditionFailed, Item, Table, chat_key, member_item

AFTER_MEMBERS = "member#~"  # above every user name
ATTEMPTS = 6
# One expression has at most 4 KB
# (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html); 100 names take 1.6.
FORGOTTEN_AT_ONCE = 100


def read_roster(chats: Table, chat: str) -> Roster | None:
    """None if there is no such chat. Head and members lie side by side: one consistent Query."""
    items = {
        item["item"]: item
        for item in chats.query_all({"chat": chat}, between=(HEAD, AFTER_MEMBERS), consistent=True)
    }
    head = items.pop(HEAD, None)
    if head is None:
        return None
    members = frozenset(head.get("members", ()))
    by_user = {key.removeprefix("member#"): item for key, item in items.items()}
    return Roster(
        chat,
        head["purged_to"],
        members,
        {user: item for user, item in by_user.items() if user in members},
    )


def move(
    chats: Table, chat: str, user: str, device: str, step: Step, *, private: bool = False
) -> Moved | None:
    """Moves the marks that move forward. None if the user is not a member (any more).

    `private`: the read mark is not shown to others, neither now nor by `sync`.

    Nearly always one conditional write. If a mark is further already, the write is repeated with
    the rest; each repetition means that another receipt has moved a mark.
    """
    first = True
    for _ in range(ATTEMPTS):
        try:
            before = _write(chats, chat, user, device, step, strict=not first, private=private)
        except ConditionFailed as failure:
            if failure.item is None:
                return None
            first = False
            step = remaining(step, failure.item, device)
            if step == Step(None, None):
                there = marks(failure.item)
                return Moved(there, there, overtaken=True, private=is_private(failure.item))
            continue
        after = marks(applied(before, device, step))
        hidden = is_private(before) if step.read is None else private
        return Moved(marks(before), after, private=hidden)
    raise TimeoutError("others kept moving these watermarks")


def forget(chats: Table, chat: str, user: str, devices: Sequence[str], highest: int) -> None:
    """Removes the watermarks of devices that are not registered any more.

    Users choose the names of devices, so without this the item grows with each device that is
    registered and removed. `highest`, the highest mark of what was delivered to the user, is
    retained: others have seen it already.
    """
    for start in range(0, len(devices), FORGOTTEN_AT_ONCE):
        part = devices[start : start + FORGOTTEN_AT_ONCE]
        names = {f"#d{number}": device for number, device in enumerate(part)}
        try:
            chats.update(
                chat_key(chat, member_item(user)),
                "SET removed = :highest REMOVE " + ", ".join(f"delivered.{name}" for name in names),
                "attribute_exists(chat) AND (attribute_not_exists(removed) OR removed <= :highest)",
                names=names,
                returns="NONE",
                highest=highest,
            )
        except ConditionFailed:
            return  # the member has left, or another one has removed them


def _write(
    chats: Table,
    chat: str,
    user: str,
    device: str,
    step: Step,
    *,
    strict: bool,
    private: bool,
) -> Item:
    """The member item as it was. Raises ConditionFailed.

    `read` nearly always comes with a `delivered` that was reported before. So beside `read`,
    `delivered` may also stay where it is, unless `strict`.
    """
    sets, conditions, names, values = [], ["attribute_exists(chat)"], {}, {}
    if step.delivered is not None:
        compared = "<" if strict or step.read is None else "<="
        sets.append("delivered.#d = :delivered")
        conditions.append(
            f"(attribute_not_exists(delivered.#d) OR delivered.#d {compared} :delivered)"
        )
        names["#d"] = device
        values["delivered"] = step.delivered
    if step.read is not None:
        sets += ["#r = :read", "read_private = :private"]
        conditions.append("#r < :read")
        names["#r"] = "read"
        values |= {"read": step.read, "private": private}
    return chats.update(
        chat_key(chat, member_item(user)),
        "SET " + ", ".join(sets),
        " AND ".join(conditions),
        names=names,
        returns="ALL_OLD",
        **values,
    )
