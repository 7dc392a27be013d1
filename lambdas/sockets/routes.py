"""The WebSocket routes of a task: calls their handlers in this process, as API Gateway would.

Everything here blocks: it runs in a thread.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from lambdas.delivery import receipt
from lambdas.messages import send, sync
from lambdas.presence import authorize, connection, presence
from lambdas.sockets import events
from lambdas.sockets.events import Connected, Event, Upgrade
from lambdas.telemetry import logger

Handler = Callable[[Event, Any], dict[str, Any]]

DEFAULT = "$default"
# Those that handle frames, each with the actions in its ROUTES.
FUNCTIONS = (presence, send, sync, receipt)
# a test compares them with the routes of stacks/config/functions.py
ROUTES: Mapping[str, Handler] = {
    "$connect": connection.handler,
    "$disconnect": connection.handler,
    DEFAULT: presence.handler,
    **{action: module.handler for module in FUNCTIONS for action in module.ROUTES},
}
EVENTS = ("$connect", "$disconnect")  # a frame can't ask for them
PROTOCOL_HEADER = "sec-websocket-protocol"


class Opening(NamedTuple):
    """The response to an upgrade: 200 accepts it, with `connected` and the subprotocol chosen."""

    status: int
    connected: Connected
    subprotocol: str | None = None


class Dispatcher:
    """`routes` and `authorizer` are the handlers; `now` gives epoch seconds, `new_request_id` what
    log lines are found by."""

    def __init__(
        self,
        now: Callable[[], float],
        new_request_id: Callable[[], str],
        routes: Mapping[str, Handler] = ROUTES,
        authorizer: Handler = authorize.handler,
    ) -> None:
        self._now = now
        self._new_request_id = new_request_id
        self._routes = routes
        self._authorizer = authorizer

    def open(self, connected: Connected, upgrade: Upgrade) -> Opening:
        """Runs the authorizer and $connect. The status is the one that API Gateway would give."""
        logger.thread_safe_clear_keys()  # a thread has those of whom it served before
        request_id = self._new_request_id()
        if not any(name == PROTOCOL_HEADER and value for name, value in upgrade.headers):
            return Opening(401, connected)  # the authorizer's identity source
        try:
            event = events.authorizer_event(connected, upgrade, request_id)
            found = self._authorizer(event, None)
        except Exception as error:
            if str(error) == "Unauthorized":
                return Opening(401, connected)
            logger.exception("the authorizer failed")
            return Opening(500, connected)
        if found["policyDocument"]["Statement"][0]["Effect"] != "Allow":
            return Opening(403, connected)
        context = {name: str(value) for name, value in found["context"].items()}
        connected = replace(connected, authorizer={"principalId": found["principalId"], **context})
        try:
            event = events.connect_event(connected, upgrade, request_id)
            response = self._routes["$connect"](event, None)
        except Exception:
            logger.exception("could not connect")
            return Opening(502, connected)
        chosen = response.get("headers", {}).get("Sec-WebSocket-Protocol")
        return Opening(response["statusCode"], connected, chosen)

    def message(self, connected: Connected, frame: str) -> str | None:
        """What is to be sent back on the connection; None for nothing."""
        logger.thread_safe_clear_keys()
        request_id = self._new_request_id()
        route = self.route_of(frame)
        event = events.message_event(connected, route, frame, request_id, self._now())
        try:
            return self._routes[route](event, None).get("body")
        except Exception:  # handlers return error frames; this is a fault in one
            logger.exception("a handler failed")
            ids = {"connectionId": connected.id, "requestId": request_id}
            return json.dumps({"message": "Internal server error", **ids})

    def disconnect(self, connected: Connected, code: int, reason: str) -> None:
        """Raises nothing. A lease that stays ends when somebody posts to the connection."""
        logger.thread_safe_clear_keys()
        event = events.disconnect_event(
            connected, code, reason, self._new_request_id(), self._now()
        )
        try:
            self._routes["$disconnect"](event, None)
        except Exception:
            logger.exception("could not return a lease")

    def route_of(self, frame: str) -> str:
        """The route that the field `action` names; DEFAULT if there is no such route."""
        try:
            document = json.loads(frame)
        except (ValueError, RecursionError):  # no JSON, or nested deeper than the parser goes
            return DEFAULT
        action = document.get("action") if isinstance(document, dict) else None
        known = isinstance(action, str) and action in self._routes and action not in EVENTS
        return str(action) if known else DEFAULT
