"""Members of a chat: the routes /api/chats/{chat}/members, accept, decline, leave and admins."""

from collections.abc import Iterable

from lambdas.api import announce
from lambdas.api.call import Call, Response
from lambdas.errors import forbidden
from lambdas.limits import MEMBERS, Limits
from lambdas.messages import append, roles
from lambdas.messages.direct import DirectChats
from lambdas.messages.heads import Head, no_such_chat, read_head
from lambdas.messages.membership import Changed, Membership
from lambdas.people.consent import CONTACT
from lambdas.people.contacts import Contacts
from lambdas.people.invitations import Invitations


def change_members(call: Call) -> Response:
    """Users who let the caller add them join at once; the others get an invitation."""
    membership = _membership(call)
    add, remove = call.body.get("add", []), call.body.get("remove", ())
    Limits(call.aws.users, call.aws.now).take(call.user, "members", MEMBERS, len(add))
    joining = consenting(call, add)  # who has left for good is asked about by `change`
    inviting = [user for user in add if user not in joining]
    changes: list[Changed] = []
    try:
        chat = membership.change(call.user, call.chat, joining, remove, changes.append, inviting)
    finally:  # also notify of the changes made before an error
        announce.members_changed(call.aws, call.chat, changes)
    invite(call, call.chat, [user for user in chat.invited if user in add])
    return Response(200, {"members": chat.members, "invited": chat.invited})


def consenting(call: Call, users: Iterable[str]) -> list[str]:
    """Those of the users who let the caller add them to a group at once, in their order."""
    names = [user for user in users if user != call.user]
    views = Contacts(call.aws.users).views(names, call.user)
    return [user for user in names if views[user].allows("groups")]


def invite(call: Call, chat: str, users: Iterable[str]) -> None:
    """Stores invitations, and notifies of them. Who has blocked the caller gets none."""
    names = sorted(users)
    views = Contacts(call.aws.users).views(names, call.user)
    invited = [user for user in names if not views[user].blocked]
    invitations = Invitations(call.aws.users)
    invitations.add(invited, chat, call.user, call.aws.now())
    left = invitations.have_left(invited, chat) if invited else set()
    announce.invited(call.aws, chat, call.user, [user for user in invited if user not in left])


def accept(call: Call) -> Response:
    """Joins a group that the caller is invited to, or accepts the request of a direct chat."""
    invitations = Invitations(call.aws.users)
    invitation = invitations.find(call.user, call.chat, call.aws.now())
    if invitation is None:
        return _accept_request(call, read_head(call.aws.chats, call.chat, call.user))
    change = _membership(call).join(call.chat, call.user)
    try:
        Contacts(call.aws.users).add(call.user, invitation.by)
        invitations.come_back(call.user, call.chat)
        invitations.remove(call.user, call.chat)
    finally:  # a repeat finds a member, and notifies nobody
        if change.added:
            announce.members_changed(call.aws, call.chat, [change])
    members = sorted({*change.before, call.user})
    return Response(200, {"chat": call.chat, "members": members})


def _accept_request(call: Call, head: Head) -> Response:
    if head.kind == "direct":
        # first: from then on it can't be declined
        ended = append.end_request(call.aws.chats, head.chat, call.user)
        try:
            for peer in head.members - {call.user}:
                Contacts(call.aws.users).set(call.user, peer, CONTACT)
                _direct(call).settle_block(call.user, peer, blocked=False, chat=head.chat)
        finally:  # a repeat finds no request, and notifies nobody
            if ended:
                announce.chat_changed(call.aws, head.chat, [call.user])
    return Response(200, {"chat": head.chat, "members": sorted(head.members)})


def decline(call: Call) -> Response:
    """Declines an invitation, or a request: nothing more of that chat is shown to the caller."""
    invitations = Invitations(call.aws.users)
    if invitations.find(call.user, call.chat, call.aws.now()) is not None:
        invitations.leave(call.user, call.chat)
        if not _membership(call).decline(call.chat, call.user):  # joined by another device
            invitations.come_back(call.user, call.chat)
            raise no_such_chat(call.chat)
        invitations.remove(call.user, call.chat)  # last: without it nobody can decline again
        return Response(200, {"declined": True})
    _direct(call).block(call.chat, call.user, blocked=True, request=True)
    return Response(200, {"declined": True})


def leave(call: Call) -> Response:
    """Leaves a group for good: nobody puts the caller back, not even a contact."""
    if read_head(call.aws.chats, call.chat, call.user).kind != "group":
        raise forbidden("a direct chat can't be left; block the other user")
    Invitations(call.aws.users).leave(call.user, call.chat)  # first: an add may come at once
    changes: list[Changed] = []
    try:
        _membership(call).change(call.user, call.chat, remove=[call.user], changed=changes.append)
    finally:
        announce.members_changed(call.aws, call.chat, changes)
    return Response(200, {"left": True})


def admins(call: Call) -> Response:
    """Appoints and dismisses admins, and changes the rules of a group."""
    head = _membership(call).appoint(
        call.user,
        call.chat,
        call.body.get("appoint", ()),
        call.body.get("dismiss", ()),
        call.body.get("rules"),
    )
    announce.chat_changed(call.aws, head.chat, head.members)
    return Response(200, {"admins": sorted(head.admins), "rules": roles.rules(head)})


def _membership(call: Call) -> Membership:
    return Membership(call.aws.chats, call.aws.users)


def _direct(call: Call) -> DirectChats:
    return DirectChats(call.aws.chats, call.aws.users)
