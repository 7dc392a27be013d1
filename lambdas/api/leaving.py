"""Signing out and deleting an account: POST /api/sign-out and POST /api/account/delete."""

from lambdas.api import announce
from lambdas.api.accounts import limit_address
from lambdas.api.call import Call, Response
from lambdas.api.cognito import accounts
from lambdas.api.removal import end_sign_ins, remove_device
from lambdas.api.sign_ins import SignIns
from lambdas.limits import SIGN_INS
from lambdas.messages.chats import Chats
from lambdas.messages.membership import Changed, Membership
from lambdas.people.invitations import Invitations
from lambdas.presence.devices import Devices
from lambdas.settings import Aws
from lambdas.tables import ACCOUNT, user_key

DELETING_SECONDS = 6.0  # of the 10 s timeout of the function; the client repeats the request
# Keys of former devices are needed as long as messages that they have sent are stored.
KEPT = ("former#",)


def sign_out(call: Call) -> Response:
    """Ends the caller's sign-in, and removes the device that is named; or everything at once."""
    user, by = call.user, call.by.id
    if call.body.get("everywhere"):
        accounts(call.aws).sign_out(user)
        end_sign_ins(call.aws, user)
        for device in Devices(call.aws.users).of([user], consistent=True).get(user, {}):
            remove_device(call.aws, user, device, by=by)
    elif "device" in call.body:
        remove_device(call.aws, user, call.body["device"], by=by, ending=[by])
    until = call.aws.now() + call.aws.settings.sign_in_seconds
    SignIns(call.aws.users).end(user, by, until)
    if "device" in call.body:  # by this sign-in it may have been registered again meanwhile
        name = call.body["device"]
        there = Devices(call.aws.users).of([user], consistent=True).get(user, {}).get(name)
        if there is not None and there.sign_in == by:
            remove_device(call.aws, user, name, by=by)
    if refresh_token := call.body.get("refresh_token"):
        accounts(call.aws).revoke(refresh_token)
    return Response(200, {"signed_out": True})


def delete_account(call: Call) -> Response:
    """Deletes an account. Its name stays taken, so that nobody receives what was meant for its
    user.

    The password is asked for again. Cognito's user is deleted last, so the password stays valid
    until then, and the request can be repeated whatever fails on the way.
    """
    limit_address(call, "sign-ins", SIGN_INS)
    aws, user = call.aws, call.body["username"]
    accounts(aws).sign_in(user, call.body["password"])
    return Response(200, {"done": end_account(aws, user, aws.now() + DELETING_SECONDS)})


def end_account(aws: Aws, user: str, until: float) -> bool:
    """Marks the account as deleted first, then ends all that the user has. False if it was not done
    by `until` (epoch seconds): it is repeated.
    """
    SignIns(aws.users).delete(user, aws.now())
    for device in Devices(aws.users).of([user], consistent=True).get(user, {}):
        remove_device(aws, user, device, by="")
    for chat in Chats(aws.chats, aws.users).all_names(user):
        if aws.now() > until:
            return False
        _leave(aws, user, chat)
    invitations = Invitations(aws.users)
    for chat in invitations.all_chats(user):
        if aws.now() > until:
            return False
        # no group goes on naming who is gone, and keeping a place
        membership = Membership(aws.chats, aws.users)
        membership.decline(chat, user, invitations.decline_actions(user, chat))
    rows = aws.users.query_all({"user": user}, consistent=True)
    names = [row["item"] for row in rows if not row["item"].startswith(KEPT)]
    aws.users.batch_write(deletes=[user_key(user, name) for name in names if name != ACCOUNT])
    accounts(aws).delete(user)
    return True


def _leave(aws: Aws, user: str, chat: str) -> None:
    changes: list[Changed] = []
    try:
        Membership(aws.chats, aws.users).leave(user, chat, changes.append)
    finally:
        announce.members_changed(aws, chat, changes)
