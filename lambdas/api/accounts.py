"""Accounts: POST /api/sign-up, /api/sign-in, /api/password, /api/token and /api/tickets.

All but the last are open routes that lead to an access token; a ticket opens a connection.
"""

from lambdas.api.auth import from_cognito
from lambdas.api.call import Call, Response
from lambdas.api.cognito import accounts, taken
from lambdas.api.removal import end_sign_ins
from lambdas.api.sign_ins import SignIns
from lambdas.errors import ChatError, not_found
from lambdas.frames import Frame
from lambdas.limits import SIGN_INS, SIGN_UPS, TICKETS, TOKENS, Limit, Limits, sampled
from lambdas.presence import tickets
from lambdas.presence.devices import Devices
from lambdas.settings import Aws


def sign_up(call: Call) -> Response:
    """Makes an account. A name that was ever used stays taken, also when its user is missing in
    Cognito, where an operator may have deleted it: a new user of that name would inherit its chats.
    """
    aws, user, password = call.aws, call.body["username"], call.body["password"]
    limit_address(call, "sign-ups", SIGN_UPS)
    if SignIns(aws.users).is_deleted(user):
        raise taken(user)
    if user in Devices(aws.users).of([user], consistent=True):
        accounts(aws).require_same(user, password)
    else:
        accounts(aws).create(user, password)
        Devices(aws.users).create_user(user)
    return Response(201, {"user": user})


def sign_in(call: Call) -> Response:
    limit_address(call, "sign-ins", SIGN_INS)
    return Response(200, signed_in(call.aws, call.body["username"], call.body["password"]))


def password(call: Call) -> Response:
    """Changes a password, and ends all sign-ins of the user at once: somebody else may have known
    the old one.
    """
    limit_address(call, "sign-ins", SIGN_INS)
    aws, user, new = call.aws, call.body["username"], call.body["new_password"]
    try:
        accounts(aws).change_password(user, call.body["password"], new)
    except ChatError as error:
        require_done_before(call, error, user, new)
    accounts(aws).sign_out(user)
    end_sign_ins(aws, user)
    return Response(200, signed_in(aws, user, new))


def require_done_before(call: Call, error: ChatError, user: str, new: str) -> None:
    """For a request that may be a repeated one: its process may have ended after the password was
    changed, before anybody was signed out. Raises `error` where the new password is not right.

    Trying the new password counts as one more sign-in, so that nobody gets a second guess for free.
    """
    if error.code not in ("unauthorized", "bad_request"):
        raise error
    limit_address(call, "sign-ins", SIGN_INS)
    try:
        accounts(call.aws).sign_in(user, new)
    except ChatError:
        raise error from None


def signed_in(aws: Aws, user: str, password: str) -> Frame:
    tokens = accounts(aws).sign_in(user, password)
    SignIns(aws.users).require(from_cognito(tokens.access_token))  # not of a deleted account
    Devices(aws.users).create_user(user)  # sign-up may have failed before this
    return tokens._asdict()


def refresh(call: Call) -> Response:
    if call.address:
        owner = f"address#{call.address}"
        sampled(call.aws).take(call.aws.users, owner, "tokens", TOKENS, call.came_at)
    refresh_token = call.body["refresh_token"]
    tokens = accounts(call.aws).refresh(refresh_token)
    try:
        SignIns(call.aws.users).require(from_cognito(tokens.access_token))
    except ChatError:
        accounts(call.aws).revoke(refresh_token)
        raise
    return Response(200, {"access_token": tokens.access_token, "expires_in": tokens.expires_in})


def ticket(call: Call) -> Response:
    """A single-use ticket for opening a connection."""
    user, device = call.user, call.body["device"]
    bucket = f"tickets#{call.by.id}"
    sampled(call.aws).take(call.aws.users, user, bucket, TICKETS, call.came_at)
    there = Devices(call.aws.users).of([user], consistent=True).get(user, {}).get(device)
    if there is None:
        raise not_found(f"you have no device {device}")
    accounts(call.aws).require_enabled(user)
    other = call.by.id if call.by.id != there.sign_in else None
    issued = tickets.issue(call.aws.tickets, user, device, call.came_at, call.aws.random, other)
    settings = call.aws.settings
    response = {
        "ticket": issued,
        "expires_in": tickets.TICKET_SECONDS,
        "url": settings["WEBSOCKET_URL"],
    }
    # After a mass disconnect clients spread their reconnects over this many seconds. Before a
    # planned one, set it an hour ahead: clients take the value from their last ticket.
    window = float(settings.get("RECONNECT_WINDOW") or 0)
    if window > 0:
        response["reconnect_window"] = window
    return Response(201, response)


def limit_address(call: Call, name: str, limit: Limit) -> None:
    """Counts a request of the client's address."""
    if call.address:
        Limits(call.aws.users, call.aws.now).take(f"address#{call.address}", name, limit)
