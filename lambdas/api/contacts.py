"""Contacts and settings: routes under /api/contacts and /api/settings."""

from lambdas.api.call import USER, Call, Response
from lambdas.errors import bad_request, not_found
from lambdas.limits import LOOKUPS, Limits
from lambdas.messages.direct import DirectChats
from lambdas.people.consent import View
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Devices


def of_user(call: Call) -> Response:
    states = Contacts(call.aws.users).states(call.user)
    contacts = [{"user": peer, "state": state} for peer, state in sorted(states.items())]
    return Response(200, {"contacts": contacts})


def put(call: Call) -> Response:
    """Makes a user a contact, or blocks one."""
    peer = _peer(call)
    Limits(call.aws.users, call.aws.now).take(call.user, "lookups", LOOKUPS)
    if peer not in Devices(call.aws.users).of([peer], consistent=True):
        raise not_found("there is no such user")
    _direct(call).decide(call.user, peer, call.body["state"])
    _end_watches(call)
    return Response(200, {"user": peer, "state": call.body["state"]})


def remove(call: Call) -> Response:
    """Forgets a contact, or unblocks a user. Idempotent."""
    peer = _peer(call)
    _direct(call).decide(call.user, peer, None)
    _end_watches(call)
    return Response(204)


def settings(call: Call) -> Response:
    return Response(200, Contacts(call.aws.users).settings(call.user))


def change_settings(call: Call) -> Response:
    changed = Contacts(call.aws.users).put_settings(call.user, call.body)
    if "presence" in call.body:
        _end_watches(call)
    return Response(200, changed)


def _peer(call: Call) -> str:
    peer = call.path["user"]
    if not USER.fullmatch(peer):
        raise not_found("there is no such user")
    if peer == call.user:
        raise bad_request("a contact is somebody else")
    return peer


def _direct(call: Call) -> DirectChats:
    return DirectChats(call.aws.chats, call.aws.users)


def _end_watches(call: Call) -> None:
    """Of those to whom the user's presence is not shown any more: a watch lasts for minutes."""
    contacts = Contacts(call.aws.users)
    states, settings = contacts.states(call.user), contacts.settings(call.user)

    def may_watch(peer: str) -> bool:
        return peer == call.user or View(states.get(peer), settings).allows("presence")

    Devices(call.aws.users).end_watches(call.user, may_watch, call.aws.now())
