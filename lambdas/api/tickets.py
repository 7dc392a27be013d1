"""POST /api/tickets: a single-use ticket to open a connection with."""

import secrets

from lambdas.api.call import Answer, Call
from lambdas.errors import not_found
from lambdas.presence import tickets
from lambdas.presence.store import Devices


def issue(call: Call) -> Answer:
    user, device = call.user, call.body["device"]
    if device not in Devices(call.aws.users).of([user], consistent=True).get(user, {}):
        raise not_found(f"you have no device {device}")
    ticket = tickets.issue(call.aws.tickets, user, device, call.aws.now(), secrets.token_urlsafe)
    settings = call.aws.settings
    answer = {
        "ticket": ticket,
        "expires_in": tickets.TICKET_SECONDS,
        "url": settings["WEBSOCKET_URL"],
    }
    # seconds over which clients spread their return after a mass disconnect; set it when there is
    # one to come, with the tickets of the hour before
    window = float(settings.get("RECONNECT_WINDOW") or 0)
    if window > 0:
        answer["reconnect_window"] = window
    return Answer(201, answer)
