"""POST /api/sign-up, /api/sign-in, /api/token and /api/tickets: accounts, and what lets them in.

The first three are open routes; they end in an access token.
"""

import secrets

from lambdas.api.call import Answer, Call
from lambdas.api.cognito import Accounts
from lambdas.errors import not_found
from lambdas.presence import tickets
from lambdas.presence.devices import Devices


def sign_up(call: Call) -> Answer:
    user = call.body["username"]
    _accounts(call).create(user, call.body["password"])
    Devices(call.aws.users).create_user(user)
    return Answer(201, {"user": user})


def sign_in(call: Call) -> Answer:
    user = call.body["username"]
    tokens = _accounts(call).sign_in(user, call.body["password"])
    Devices(call.aws.users).create_user(user)  # heals a sign-up that died before it did
    return Answer(200, tokens._asdict())


def refresh(call: Call) -> Answer:
    tokens = _accounts(call).refresh(call.body["refresh_token"])
    return Answer(200, {"access_token": tokens.access_token, "expires_in": tokens.expires_in})


def ticket(call: Call) -> Answer:
    """A ticket, good for opening one connection."""
    user, device = call.user, call.body["device"]
    if device not in Devices(call.aws.users).of([user], consistent=True).get(user, {}):
        raise not_found(f"you have no device {device}")
    issued = tickets.issue(call.aws.tickets, user, device, call.aws.now(), secrets.token_urlsafe)
    settings = call.aws.settings
    answer = {
        "ticket": issued,
        "expires_in": tickets.TICKET_SECONDS,
        "url": settings["WEBSOCKET_URL"],
    }
    # seconds over which clients spread their return after a mass disconnect; set it when there is
    # one to come, with the tickets of the hour before
    window = float(settings.get("RECONNECT_WINDOW") or 0)
    if window > 0:
        answer["reconnect_window"] = window
    return Answer(201, answer)


def _accounts(call: Call) -> Accounts:
    settings = call.aws.settings
    return Accounts(call.aws.cognito, settings["USER_POOL_ID"], settings["USER_POOL_CLIENT_ID"])
