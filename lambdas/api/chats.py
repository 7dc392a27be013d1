"""Chats and their messages: POST and GET /api/chats, mute and messages of one; see also groups."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from lambdas import frames
from lambdas.api import announce, groups
from lambdas.api.call import CHAT, Call, Response, device_name
from lambdas.errors import bad_request
from lambdas.frames import Frame
from lambdas.limits import CHATS, MEMBERS, Limits
from lambdas.messages import history
from lambdas.messages.chats import Chat, Chats
from lambdas.messages.direct import Begin, DirectChats
from lambdas.messages.founded import Founded
from lambdas.messages.heads import inviting
from lambdas.messages.history import Page
from lambdas.messages.membership import Membership
from lambdas.people.consent import CONTACT, EVERYBODY
from lambdas.people.contacts import Contacts
from lambdas.people.invitations import Invitations
from lambdas.tables import TransactionCancelled, pauses

CHATS_PER_PAGE = 100
CHAT_BYTES = 16  # of a chat's id: it is not to be guessed
MESSAGES_DEFAULT = 50
MESSAGES_LIMIT = 100
# An ALB takes 1 MB from a Lambda target, in which the body is escaped once more.
PAGE_BYTES = 256 * 1024


def create(call: Call) -> Response:
    if call.body["kind"] == "group":
        return _group(call, call.body["members"])
    return _direct(call, call.body["with"])


def _group(call: Call, members: Sequence[str]) -> Response:
    """Users who let the caller add them are members at once; the others get an invitation.

    A request with an id that has founded a group is answered by that one as it is now.
    """
    id_ = call.body.get("request_id")
    founded = Founded(call.aws.users, call.user, id_) if id_ else None
    for pause in pauses():
        if founded and (there := founded.chat()):
            # Nobody is notified of an invitation once more, also where the first request ended
            # before it did that: GET /api/chats lists it.
            head = _chats(call).head(there, call.user)
            return _founded(head.chat, head.members, head.invited)
        try:
            chat = _found(call, members, founded)
        except TransactionCancelled:  # by the same request, which is under way twice
            pause()
            continue
        return _founded(chat.chat, chat.members, chat.invited)
    raise AssertionError("unreachable")


def _found(call: Call, members: Sequence[str], founded: Founded | None) -> Chat:
    _limits(call).take(call.user, "chats", CHATS)
    _limits(call).take(call.user, "members", MEMBERS, len(members))
    joining = groups.consenting(call, members)
    others = [user for user in members if user not in joining]

    def noting(chat: str) -> list[dict[str, Any]]:
        return [founded.action(chat, call.aws.now())] if founded else []

    membership = Membership(call.aws.chats, call.aws.users, new_id=_new_id(call))
    invited: set[str] = set()
    store, now = groups.inviting(call, invited), call.aws.now()
    chat = membership.found(call.user, joining, others, store, noting, now)
    groups.announce_invited(call, chat.chat, invited & {*chat.invited})
    return chat


def _founded(chat: str, members: Collection[str], invited: Collection[str]) -> Response:
    body = {"chat": chat, "members": sorted(members), "invited": sorted(invited)}
    return Response(201, body)


def _direct(call: Call, peer: str) -> Response:
    """The peer becomes a contact of the caller; the caller becomes one of the peer's by a reply."""
    chats = DirectChats(call.aws.chats, call.aws.users, new_id=_new_id(call))
    contacts = Contacts(call.aws.users)
    if chats.find(call.user, peer) is None:
        _limits(call).take(call.user, "chats", CHATS)

    def decide() -> Begin:
        view = contacts.views([peer], call.user)[peer]
        # a caller who is blocked begins a request as any stranger does, and so does not learn of
        # the block
        welcome = view.state == CONTACT or view.settings["requests"] == EVERYBODY
        return Begin(welcome=welcome, request=view.state != CONTACT, decided=view)

    chat, created = chats.begin(call.user, peer, decide)
    if not created:
        if not chats.accept(chat.chat, call.user, opening=True):
            contacts.add(call.user, peer)
            return _opened(chat, 200)
        announce.chat_changed(call.aws, chat.chat, [call.user])
    return _opened(chat, 201 if created else 200)


def _opened(chat: Chat, status: int) -> Response:
    return Response(status, {"chat": chat.chat, "members": chat.members})


def mute(call: Call) -> Response:
    """No pushes of the chat until then; 0 ends it."""
    _chats(call).mute(call.user, call.chat, call.body["until"])
    return Response(200, {"until": call.body["until"]})


def of_user(call: Call) -> Response:
    """A page of the caller's chats. A page may be empty and still have a `cursor`.

    The first page also has the groups that the caller is invited to.
    """
    cursor = call.query.get("cursor")
    if cursor is not None and not CHAT.fullmatch(cursor):
        raise bad_request("this cursor is not one that a response gave")
    limit = call.number("limit", CHATS_PER_PAGE, least=1)
    now = call.aws.now()
    chats, following = _chats(call).list(call.user, cursor, min(limit, CHATS_PER_PAGE), now)
    body: Frame = {"chats": chats, **({"cursor": following} if following else {})}
    if cursor is None:

        def named(names: Collection[str]) -> set[str]:
            return inviting(call.aws.chats, names, call.user)

        invitations = Invitations(call.aws.users).of(call.user, now, named)
        body["invitations"] = [each._asdict() for each in invitations]
    return Response(200, body)


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


def _limits(call: Call) -> Limits:
    return Limits(call.aws.users, call.aws.now)


def _chats(call: Call) -> Chats:
    return Chats(call.aws.chats, call.aws.users)


def _new_id(call: Call) -> Callable[[], str]:
    return lambda: call.aws.random(CHAT_BYTES)
