"""Chats, their members and their messages: the routes under /api/chats."""

from lambdas import frames
from lambdas.api import announce
from lambdas.api.call import CHAT, Answer, Call, device_name
from lambdas.errors import bad_request
from lambdas.messages import history
from lambdas.messages.chats import Changed, Chats
from lambdas.messages.history import Page

CHATS_PER_PAGE = 100
MESSAGES_DEFAULT = 50
MESSAGES_LIMIT = 100
# Of the 1 MB that an ALB takes from a Lambda target, where the body is escaped once more.
PAGE_BYTES = 256 * 1024


def create(call: Call) -> Answer:
    chats = _chats(call)
    if call.body["kind"] == "group":
        chat, created = chats.group(call.user, call.body["members"]), True
    else:
        chat, created = chats.direct(call.user, call.body["with"])
    return Answer(201 if created else 200, {"chat": chat.chat, "members": chat.members})


def of_user(call: Call) -> Answer:
    """A page of the caller's chats; an empty one with a `cursor` is not the last."""
    cursor = call.query.get("cursor")
    if cursor is not None and not CHAT.fullmatch(cursor):
        raise bad_request("this cursor is not one that an answer gave")
    limit = call.number("limit", CHATS_PER_PAGE, least=1)
    chats, following = _chats(call).list(call.user, cursor, min(limit, CHATS_PER_PAGE))
    return Answer(200, {"chats": chats, **({"cursor": following} if following else {})})


def change_members(call: Call) -> Answer:
    add, remove = call.body.get("add", ()), call.body.get("remove", ())
    changes: list[Changed] = []
    try:
        members = _chats(call).change(call.user, call.chat, add, remove, changes.append)
    finally:  # what has changed has changed, also if the rest failed
        announce.members_changed(call.aws, call.chat, changes)
    return Answer(200, {"members": members})


def messages(call: Call) -> Answer:
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
    answer = {
        "messages": page.messages,
        "complete_to": page.complete_to,
        "missing": [list(each) for each in page.missing],
        "more": page.more,
    }
    if page.retry_after is not None:
        answer["retry_after"] = page.retry_after
    return Answer(200, answer)


def _fitting(page: Page) -> int:
    """How many messages an answer can carry; always one, for one always fits."""
    size = 0
    for number, message in enumerate(page.messages):
        size += len(frames.encode(message).encode())
        if size > PAGE_BYTES and number:
            return number
    return len(page.messages)


def _chats(call: Call) -> Chats:
    return Chats(call.aws.chats, call.aws.users)
