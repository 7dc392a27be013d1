"""Accounts: POST /api/sign-up, /api/sign-in, /api/token and /api/tickets.

The first three are open routes that lead to an access token; a ticket opens a connection.
"""

import secrets

from lambdas.api.call import Call, Response
from lambdas.api.cognito import Accounts
from lambdas.errors import not_found
from lambdas.limits import SIGN_INS, SIGN_UPS, Limit, Limits
from lambdas.presence import tickets
from lambdas.presence.devices import Devices


def sign_up(call: Call) -> Response:
    user = call.body["username"]
    _limit(call, "sign-ups", SIGN_UPS)
    _accounts(call).create(user, call.body["password"])
    Devices(call.aws.users).create_user(user)
    return Response(201, {"user": user})


def sign_in(call: Call) -> Response:
    user = call.body["username"]
    _limit(call, "sign-ins", SIGN_INS)
    tokens = _accounts(call).sign_in(user, call.body["password"])
    Devices(call.aws.users).create_user(user)  # sign-up may have failed before this
    return Response(200, tokens._asdict())


def refresh(call: Call) -> Response:
    tokens = _accounts(call).refresh(call.body["refresh_token"])
    return Response(200, {"access_token": tokens.access_token, "expires_in": tokens.expires_in})


def ticket(call: Call) -> Response:
    """A single-use ticket for opening a connection."""
    user, device = call.user, call.body["device"]
    if device not in Devices(call.aws.users).of([user], consistent=True).get(user, {}):
        raise not_found(f"you have no device {device}")
    issued = tickets.issue(call.aws.tickets, user, device, call.aws.now(), secrets.token_urlsafe)
    settings = call.aws.settings
    response = {
        "ticket": issued,
        "expires_in": tickets.TICKET_SECONDS,
        "url": settings["WEBSOCKET_URL"],
    }
    # Clients spread their reconnects over so many seconds after a mass disconnect. Set it an hour
    # before a planned one, so that the tickets of that hour carry it.
    window = float(settings.get("RECONNECT_WINDOW") or 0)
    if window > 0:
        response["reconnect_window"] = window
    return Response(201, response)


def _limit(call: Call, name: str, limit: Limit) -> None:
    """Counts a request of the client's address."""
    if call.address:
        Limits(call.aws.users, call.aws.now).take(f"address#{call.address}", name, limit)


def _accounts(call: Call) -> Accounts:
    settings = call.aws.settings
    return Accounts(call.aws.cognito, settings["USER_POOL_ID"], settings["USER_POOL_CLIENT_ID"])
