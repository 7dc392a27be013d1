"""GET /api/account: everything that is stored of an account, as it is stored, in pages.

Messages are not in it: they are the chats', encrypted, and GET /api/chats/{chat}/messages has them.
"""

import re
from typing import Any

from lambdas.api.call import Call, Response
from lambdas.errors import bad_request
from lambdas.tables import Item, chat_key, member_item, user_key

ITEMS_PER_PAGE = 50
CURSOR = re.compile(r"[!-~]{1,256}")  # any key: they are ASCII without spaces


def account(call: Call) -> Response:
    """A page of the user's own items, each chat followed by what it has of the user."""
    cursor = call.query.get("cursor")
    if cursor is not None and not CURSOR.fullmatch(cursor):
        raise bad_request("this cursor is not one that a response gave")
    start = user_key(call.user, cursor) if cursor else None
    page = call.aws.users.query(
        {"user": call.user}, limit=ITEMS_PER_PAGE, start=start, consistent=True
    )
    chats = [row["item"].removeprefix("chat#") for row in page.items if _is_chat(row)]
    members = call.aws.chats.batch_get(
        [chat_key(chat, member_item(call.user)) for chat in chats], consistent=True
    )
    items = [{"table": "Users", "item": _plain(row)} for row in page.items]
    items += [{"table": "Chats", "item": _plain(member)} for member in members]
    following = {"cursor": page.next["item"]} if page.next else {}
    return Response(200, {"items": items, **following})


def _is_chat(row: Item) -> bool:
    return bool(row["item"].startswith("chat#"))


def _plain(value: Any) -> Any:
    """An item as JSON has it: a set is a list."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value
