"""Quiet chats, for which nobody is rung: those that are muted, and requests that have rung."""

from lambdas.tables import Table, user_key


def is_quiet(
    users: Table, user: str, chat: str, *, request_of: str | None, rang_at: int, now: float
) -> bool:
    """Whether the user is not rung for the chat at `now`, in epoch seconds.

    A direct chat that the user has not answered or accepted rings once; `rang_at` is when, or 0.
    """
    if user == request_of and rang_at:
        return True
    rows = users.batch_get([user_key(user, f"chat#{chat}")], consistent=True)
    return any((row.get("muted_until") or 0) > now for row in rows)
