"""Groups by the requests that founded them, so that a request sent again founds no other: items of
Users.

    <user>  founded#<request_id>  chat, expires_at (s)

The item and the group's head are one transaction. So of two requests with the same id, also at the
same time, one founds a group, and the other finds it.
"""

from typing import Any

from lambdas.tables import Table, user_key

FOUNDED_SECONDS = 86_400  # clients repeat a request within a minute


class Founded:
    def __init__(self, users: Table, user: str, request_id: str) -> None:
        self._users, self._key = users, user_key(user, f"founded#{request_id}")

    def chat(self) -> str | None:
        """The group that the request has founded, if it has."""
        item = self._users.get(self._key, consistent=True)
        return item["chat"] if item else None

    def action(self, chat: str, now: float) -> dict[str, Any]:
        """For `transact` with the group's head, if the request has founded none. `now` in epoch
        seconds."""
        item = {**self._key, "chat": chat, "expires_at": int(now) + FOUNDED_SECONDS}
        return self._users.put_action(item, "attribute_not_exists(chat)")
