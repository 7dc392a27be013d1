"""A group over tables in memory, in which somebody else may act before the next write."""

from collections.abc import Callable
from typing import Any

from lambdas.errors import ChatError
from lambdas.messages.membership import Membership
from lambdas.presence.devices import Devices
from lambdas.tables import HEAD, Table, chat_key
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES


class Racing(DynamoDB):
    """Lets somebody else act before the next update or transaction."""

    meanwhile: Callable[[], object] | None = None

    def update_item(self, **request: Any) -> Any:
        self._act()
        return super().update_item(**request)

    def transact_write_items(self, **request: Any) -> Any:
        self._act()
        return super().transact_write_items(**request)

    def _act(self) -> None:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()


class Group:
    """ravi's group with raju and mira; zoe and the others are users."""

    def __init__(self) -> None:
        self.database = Racing(TABLES)
        client: Any = self.database
        self.chats, self.users = Table(client, "Chats"), Table(client, "Users")
        for name in ("ravi", "raju", "mira", "zoe", *(f"u{number}" for number in range(255))):
            Devices(self.users).create_user(name)
        self.membership = Membership(self.chats, self.users, sleep=lambda _: None)
        self.name = self.membership.found("ravi", ["raju", "mira"]).chat

    def head(self, chat: str | None = None) -> Any:
        return self.chats.get(chat_key(chat or self.name, HEAD), consistent=True)

    def change(self, user: str, **changes: Any) -> str:
        """The code of the error, or "done"."""
        try:
            self.membership.change(user, self.name, **changes)
        except ChatError as error:
            return error.code
        return "done"

    def add_message(self) -> None:
        self.chats.update(chat_key(self.name, HEAD), "SET seq = seq + :one", one=1)
