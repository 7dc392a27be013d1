"""The routes of a task over handlers that a test writes: what each outcome is for the client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.sockets.events import Connected, Upgrade
from lambdas.sockets.routes import Dispatcher
from tests.support.lambdas.rest import written_log

OFFERED = ("sec-websocket-protocol", "chat.v1, ticket.x")
UPGRADE = Upgrade([OFFERED, ("x-line", "1"), ("x-line", "2")], "198.51.100.7")
CONNECTED = Connected("id", "198.51.100.7", "agent", 1_800_000_000.25)
CONNECTS = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v1"}}


def allowing(effect: str = "Allow") -> dict[str, Any]:
    return {
        "principalId": "ravi/phone",
        "policyDocument": {"Statement": [{"Effect": effect}]},
        "context": {"user": "ravi", "device": "phone", "asked_at": 5},
    }


class Handlers:
    """Each gives its outcome, or raises it; `events` are those that they got."""

    def __init__(self, **outcomes: Any) -> None:
        self.events: list[Any] = []
        authorizer = self._handler(outcomes.get("authorizer", allowing()))
        routes = {
            "$connect": self._handler(outcomes.get("connect", CONNECTS)),
            "$disconnect": self._handler(outcomes.get("disconnect", {"statusCode": 200})),
            "$default": self._handler(outcomes.get("message", {"statusCode": 200})),
        }
        now = 1_800_000_060.5
        self.dispatcher = Dispatcher(lambda: now, lambda: "request", routes, authorizer)

    def _handler(self, outcome: Any) -> Callable[[Any, Any], Any]:
        def handler(event: Any, _context: Any) -> Any:
            self.events.append(event)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return handler


@pytest.mark.parametrize(
    ("outcomes", "status", "subprotocol", "called"),
    [
        ({}, 200, "chat.v1", 2),
        ({"authorizer": Exception("Unauthorized")}, 401, None, 1),
        ({"authorizer": Exception("another")}, 500, None, 1),
        ({"authorizer": allowing("Deny")}, 403, None, 1),
        ({"connect": Exception("Unauthorized")}, 502, None, 2),
        ({"connect": {"statusCode": 409}}, 409, None, 2),
    ],
)
def test_an_upgrade_has_the_status_that_api_gateway_would_give(
    outcomes: Any, status: int, subprotocol: str | None, called: int
) -> None:
    handlers = Handlers(**outcomes)
    opening = handlers.dispatcher.open(CONNECTED, UPGRADE)
    assert (opening.status, opening.subprotocol) == (status, subprotocol)
    assert len(handlers.events) == called


@pytest.mark.parametrize("headers", [[], [("sec-websocket-protocol", "")], [("cookie", "x")]])
def test_an_upgrade_without_what_identifies_it_is_rejected_before_the_authorizer(
    headers: list[tuple[str, str]],
) -> None:
    handlers = Handlers()
    assert handlers.dispatcher.open(CONNECTED, Upgrade(headers, "")).status == 401
    assert handlers.events == []


def test_handlers_get_what_api_gateway_would_send_them() -> None:
    handlers = Handlers()
    connected = handlers.dispatcher.open(CONNECTED, UPGRADE).connected
    handlers.dispatcher.message(connected, "a frame")
    handlers.dispatcher.disconnect(connected, 1001, "over")
    asked, connects, frame, ended = handlers.events
    for event in (asked, connects):
        assert event["headers"]["x-line"] == "2"
        assert event["multiValueHeaders"]["x-line"] == ["1", "2"]
    assert "authorizer" not in asked["requestContext"]
    assert (frame["body"], frame["isBase64Encoded"]) == ("a frame", False)
    contexts = [event["requestContext"] for event in handlers.events]
    assert [each["routeKey"] for each in contexts] == [
        "$connect", "$connect", "$default", "$disconnect",
    ]  # fmt: skip
    for each in contexts[1:]:
        assert each["authorizer"] == {
            "principalId": "ravi/phone", "user": "ravi", "device": "phone", "asked_at": "5",
        }  # fmt: skip
    assert {each["connectedAt"] for each in contexts} == {1_800_000_000_250}
    assert [each["requestTimeEpoch"] for each in contexts[2:]] == [1_800_000_060_500] * 2
    assert {each["connectionId"] for each in contexts} == {"id"}
    assert {each["identity"]["sourceIp"] for each in contexts} == {"198.51.100.7"}
    assert ended["requestContext"]["disconnectStatusCode"] == 1001
    assert ended["requestContext"]["disconnectReason"] == "over"


def test_a_handler_that_fails_is_an_error_for_a_frame_and_nothing_for_an_end() -> None:
    fault = Exception("fault")
    dispatcher = Handlers(message=fault, disconnect=fault).dispatcher
    with written_log() as log:
        response = json.loads(dispatcher.message(CONNECTED, '{"payload":"aGk"}') or "null")
        dispatcher.disconnect(CONNECTED, 1000, "")
    ids = {"connectionId": "id", "requestId": "request"}
    assert response == {"message": "Internal server error", **ids}
    assert "a handler failed" in log.getvalue() and "aGk" not in log.getvalue()


def test_a_frame_is_answered_with_the_body_of_the_response_if_it_has_one() -> None:
    for response, body in (({"statusCode": 200, "body": "pong"}, "pong"), ({}, None)):
        assert Handlers(message=response).dispatcher.message(CONNECTED, "{}") == body
