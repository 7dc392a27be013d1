"""A chat for one of its members: its head and the member's own item, in one read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.errors import ChatError, forbidden, not_found
from lambdas.messages.log import Range
from lambdas.tables import HEAD, Item, Table, chat_key, member_item


@dataclass(frozen=True)
class Head:
    """`delivered` is by device of the user; see `log` for what the positions mean."""

    chat: str
    user: str
    kind: str  # direct | group
    seq: int
    purged_to: int
    members: frozenset[str]
    joined_seq: int
    delivered: Mapping[str, int]
    read: int
    request_of: str | None = None  # a direct chat that this user has not answered or accepted
    blocked_by: frozenset[str] = frozenset()  # in a direct chat
    undelivered: tuple[Range, ...] = ()  # of this user's messages, see `undelivered`
    admins: frozenset[str] = frozenset()  # of a group
    invited: frozenset[str] = frozenset()  # to a group, and not joined yet
    rules: Mapping[str, str] = field(default_factory=dict)  # of a group, see roles.py

    def start(self, after: int) -> int:
        """The seq after which messages are shown to a device that has everything up to `after`."""
        return max(after, self.joined_seq)


def read_heads(chats: Table, names: Collection[str], user: str) -> dict[str, Head]:
    """chat -> Head of those chats that exist and have the user as a member. Consistent."""
    keys = [chat_key(chat, item) for chat in names for item in (HEAD, member_item(user))]
    items: dict[tuple[str, str], Item] = {
        (item["chat"], item["item"]): item for item in chats.batch_get(keys, consistent=True)
    }
    found = {}
    for chat in names:
        head, member = items.get((chat, HEAD)), items.get((chat, member_item(user)))
        if head and member and user in head.get("members", ()):
            found[chat] = _head(head, member, user)
    return found


def read_head(chats: Table, chat: str, user: str) -> Head:
    """Raises ChatError not_found for an unknown chat and for one that is not the user's."""
    found = read_heads(chats, [chat], user)
    if chat not in found:
        raise no_such_chat(chat)
    return found[chat]


def inviting(chats: Table, names: Collection[str], user: str) -> set[str]:
    """The groups among these that name the user as invited. Consistent."""
    keys = [chat_key(chat, HEAD) for chat in names]
    found = chats.batch_get(keys, consistent=True, only=("chat", "invited"))
    return {head["chat"] for head in found if user in head.get("invited", ())}


def as_read(head: Head) -> tuple[str, dict[str, Any]]:
    """The condition, with its values, that members and invited users have not changed."""
    values = {"members": set(head.members)}
    if not head.invited:
        return "members = :members AND attribute_not_exists(invited)", values
    return "members = :members AND invited = :invited", {**values, "invited": set(head.invited)}


def admins_as_read(head: Head) -> tuple[str, dict[str, Any]]:
    """The condition, with its values, that the admins have not changed."""
    if not head.admins:
        return "attribute_not_exists(admins)", {}
    return "admins = :were", {"were": set(head.admins)}


def no_such_chat(chat: str) -> ChatError:
    """The same for a chat that does not exist and for one that is not the caller's."""
    return not_found(f"you have no chat {chat}")


def has_blocked() -> ChatError:
    return forbidden("you have blocked this user; unblock first")


def _head(head: Item, member: Item, user: str) -> Head:
    return Head(
        chat=head["chat"],
        user=user,
        kind=head["kind"],
        seq=head["seq"],
        purged_to=head["purged_to"],
        members=frozenset(head["members"]),
        joined_seq=member["joined_seq"],
        delivered=member["delivered"],
        read=max(member["read"], member["joined_seq"]),
        request_of=head.get("request_of"),
        blocked_by=frozenset(head.get("blocked_by", ())),
        undelivered=undelivered(head, head["members"] - {user}),
        admins=frozenset(head.get("admins", ())),
        invited=frozenset(head.get("invited", ())),
        rules=head.get("group_rules", {}),
    )


def undelivered(head: Item, others: Collection[str]) -> tuple[Range, ...]:
    """Positions whose messages were hidden from `others`, by blocks that have ended since. The
    marks of these users move past such positions anyway, so by marks alone the messages would count
    as delivered. While a block lasts the blocked user is shown no marks, and so does not learn of
    it.
    """
    return tuple(
        (first, last) for user, first, last in head.get("blocks", ()) if user in others and last
    )


def shows_nothing_of(user: str, request_of: str | None, blocked_by: Collection[str]) -> bool:
    """Whether the other one in a direct chat is shown nothing of the user: receipts, typing."""
    return user == request_of or user in blocked_by
