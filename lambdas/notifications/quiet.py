"""Who is not rung although something waits: a chat that is muted, a request that has rung."""

from lambdas.tables import Table, user_key


def has_rung(user: str, request_of: str | None, seq: int) -> bool:
    """A direct chat that the user has not answered or accepted rings for its first message only."""
    return user == request_of and seq > 1


def is_muted(users: Table, user: str, chat: str, now: float) -> bool:
    """Whether the user wants no pushes of the chat at `now`, in epoch seconds."""
    rows = users.batch_get([user_key(user, f"chat#{chat}")], consistent=True)
    return any(row.get("muted_until", 0) > now for row in rows)
