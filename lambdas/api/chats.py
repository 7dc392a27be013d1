"""Chats, their members and their messages: the routes under /api/chats."""

from lambdas import frames
from lambdas.api import announce
from lambdas.api.call import CHAT, Call, Response, device_name
from lambdas.errors import bad_request
from lambdas.messages import history
from lambdas.messages.chats import Changed, Chats
from lambdas.messages.history import Page

CHATS_PER_PAGE = 100
CHAT_BYTES = 16  # of a chat's id: it is not to be guessed
MESSAGES_DEFAULT = 50
MESSAGES_LIMIT = 100
# An ALB takes 1 MB from a Lambda target, in which the body is escaped once more.
PAGE_BYTES = 256 * 1024


def create(call: Call) -> Response:
    chats = _chats(call)
    if call.body["kind"] == "group":
        chat, created = chats.group(call.user, call.body["members"]), True
    else:
        chat, created = chats.direct(call.user, call.body["with"])
    return Response(201 if created else 200, {"chat": chat.chat, "members": chat.members})


def of_user(call: Call) -> Response:
    """A page of the caller's chats. A page may be empty and still have a `cursor`."""
    cursor = call.query.get("cursor")
    if cursor is not None and not CHAT.fullmatch(cursor):
        raise bad_request("this cursor is not one that an answer gave")
    limit = call.number("limit", CHATS_PER_PAGE, least=1)
    chats, following = _chats(call).list(call.user, cursor, min(limit, CHATS_PER_PAGE))
    return Response(200, {"chats": chats, **({"cursor": following} if following else {})})


def change_members(call: Call) -> Response:
    add, remove = call.body.get("add", ()), call.body.get("remove", ())
    changes: list[Changed] = []
    try:
        members = _chats(call).change(call.user, call.chat, add, remove, changes.append)
    finally:  # also notify of the changes made before an error
        announce.members_changed(call.aws, call.chat, changes)
    return Response(200, {"members": members})


def messages(call: Call) -> Response:
    """Messages above `after`, as `sync` sends them to the device that the query names."""
    device = call.query.get("device")
    page = history.read(
        call.aws.chats,
        _chats(call).head(call.chat, call.user),
        after=call.number("after", 0),
        limit=min(call.number("limit", MESSAGES_DEFAULT, least=1), MESSAGES_LIMIT),
        device=None if device is None else device_name(device),
        now=call.aws.now(),
    )
    page = page.first(_fitting(page))
    response = {
        "messages": page.messages,
        "complete_to": page.complete_to,
        "missing": [list(each) for each in page.missing],
        "more": page.more,
    }
    if page.retry_after is not None:
        response["retry_after"] = page.retry_after
    return Response(200, response)


def _fitting(page: Page) -> int:
    """How many messages fit into a response; at least one, which always fits."""
    size = 0
    for number, message in enumerate(page.messages):
        size += len(frames.encode(message).encode())
        if size > PAGE_BYTES and number:
            return number
    return len(page.messages)


def _chats(call: Call) -> Chats:
    aws = call.aws
    return Chats(aws.chats, aws.users, new_id=lambda: aws.random(CHAT_BYTES))
