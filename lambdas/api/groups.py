"""Members of a chat: the routes /api/chats/{chat}/members, accept, decline, leave and admins."""

from collections.abc import Collection, Iterable, Sequence

from lambdas.api import announce
from lambdas.api.call import Call, Response
from lambdas.errors import forbidden
from lambdas.limits import INVITATIONS, MEMBERS, Limits
from lambdas.messages import roles
from lambdas.messages.direct import DirectChats
from lambdas.messages.heads import Head, no_such_chat, read_head
from lambdas.messages.membership import Changed, Inviting, Membership
from lambdas.people.consent import CONTACT
from lambdas.people.contacts import Contacts
from lambdas.people.invitations import Invitations


def change_members(call: Call) -> Response:
    """Users who let the caller add them join at once; the others get an invitation."""
    membership = _membership(call)
    add, remove = call.body.get("add", []), call.body.get("remove", ())
    Limits(call.aws.users, call.aws.now).take(call.user, "members", MEMBERS, len(add))
    joining = consenting(call, add)  # `change` itself looks for those who have left for good
    others = [user for user in add if user not in joining]
    changes: list[Changed] = []
    invited: set[str] = set()
    try:
        chat = membership.change(
            call.user,
            call.chat,
            joining,
            remove,
            changes.append,
            others,
            inviting(call, invited),
        )
    finally:  # also notify of the changes made before an error
        announce.members_changed(call.aws, call.chat, changes)
    announce_invited(call, call.chat, invited & {*chat.invited})
    return Response(200, {"members": chat.members, "invited": chat.invited})


def consenting(call: Call, users: Iterable[str]) -> list[str]:
    """Those of the users who let the caller add them to a group at once, in their order."""
    names = [user for user in users if user != call.user]
    views = Contacts(call.aws.users).views(names, call.user)
    return [user for user in names if views[user].allows("groups")]


def inviting(call: Call, invited: set[str]) -> Inviting:
    """Stores invitations, and adds to `invited` who has got one. Who has one to this chat keeps it,
    and gets a contact's beside a stranger's, which may be too far behind to be listed; who has
    blocked the caller gets none, nor does who does not know the caller and has many of theirs. As
    none of them has answered, the caller does not learn of it."""

    def store(chat: str, users: Sequence[str]) -> None:
        invitations, now = Invitations(call.aws.users), call.aws.now()
        there = invitations.have(users, chat, now)
        asked = [user for user in users if not there.get(user)]
        views = Contacts(call.aws.users).views(asked, call.user)
        knowing = [user for user in asked if views[user].state == CONTACT]
        strangers = {
            f"invitations#{user}": user
            for user in asked
            if user not in there and views[user].state is None
        }
        counted = Limits(call.aws.users, call.aws.now).take_each(call.user, strangers, INVITATIONS)
        new = [*knowing, *(strangers[bucket] for bucket in counted)]
        invitations.add(new, chat, call.user, now, knowing)
        invited.update(new)

    return store


def announce_invited(call: Call, chat: str, users: Collection[str]) -> None:
    """Notifies users of an invitation that they have just got, except who has left for good."""
    left = Invitations(call.aws.users).have_left(users, chat)
    announce.invited(call.aws, chat, call.user, sorted({*users} - left))


def accept(call: Call) -> Response:
    """Joins a group that the caller is invited to, or accepts the request of a direct chat."""
    invitations = Invitations(call.aws.users)
    invitation = invitations.find(call.user, call.chat, call.aws.now())
    if invitation is None:
        return _accept_request(call, read_head(call.aws.chats, call.chat, call.user))
    contact = Contacts(call.aws.users).add_action(call.user, invitation.by)
    over = invitations.accept_actions(call.user, call.chat)
    change = _membership(call).join(call.chat, call.user, [contact, *over])
    if change.added:
        announce.members_changed(call.aws, call.chat, [change])
    members = sorted({*change.before, call.user})
    return Response(200, {"chat": call.chat, "members": members})


def _accept_request(call: Call, head: Head) -> Response:
    if head.kind == "direct" and _direct(call).accept(head.chat, call.user):
        announce.chat_changed(call.aws, head.chat, [call.user])
    return Response(200, {"chat": head.chat, "members": sorted(head.members)})


def decline(call: Call) -> Response:
    """Declines an invitation, or a request: nothing more of that chat is shown to the caller."""
    invitations = Invitations(call.aws.users)
    if invitations.find(call.user, call.chat, call.aws.now()) is not None:
        over = invitations.decline_actions(call.user, call.chat)
        if not _membership(call).decline(call.chat, call.user, over):  # joined by another device
            raise no_such_chat(call.chat)
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
