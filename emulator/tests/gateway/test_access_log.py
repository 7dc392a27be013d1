"""The access log of a WebSocket stage: its format, and what its variables have."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from emulator.gateway import access_log, model, responses
from emulator.gateway.dispatch import Dispatcher
from emulator.gateway.events import ConnectionInfo, Upgrade
from emulator.providers import EmulatorError, InvokeResult

INFO = ConnectionInfo("c=", "local0ws1d", "live", "domain", "::1", None, 0.5, {"user": "ravi"})


def result(document: Any, error: bool = False) -> InvokeResult:
    return InvokeResult(json.dumps(document).encode(), error)


def test_a_line_of_the_access_log_has_the_values_of_its_variables() -> None:
    format = '{"route":"$context.routeKey","status":"$context.status","x":"$context.error.message"}'
    context = {"routeKey": "ping", "status": "200"}
    assert access_log.line(format, context) == '{"route":"ping","status":"200","x":"-"}'


def test_a_variable_may_be_inside_of_another_one() -> None:
    """ "$context variables for access logging", API Gateway developer guide."""
    context = {"identity": {"sourceIp": "::1"}, "authorizer": {"user": None}, "connectedAt": 5}
    format = "$context.identity.sourceIp $context.authorizer.user $context.connectedAt"
    assert access_log.line(f"{format} $context.identity $context.a.b", context) == "::1 - 5 - -"


def test_a_variable_ends_in_front_of_what_belongs_to_the_text() -> None:
    assert access_log.line("$context.status. $context.", {"status": "200"}) == "200. $context."


def test_a_log_group_is_named_in_its_arn() -> None:
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:chat-access:*"
    assert access_log.group_of(arn) == access_log.group_of(arn.removesuffix(":*")) == "chat-access"


def test_an_access_log_has_what_the_integration_returned() -> None:
    """ "Configure logging for WebSocket APIs in API Gateway", developer guide."""
    failed = result({"errorMessage": "division by zero"}, error=True)
    for found, expected in (
        (result({"statusCode": 404, "body": "x"}), "404 404 200 7 7 - -"),
        (failed, "- - 200 7 7 division by zero division by zero"),
        (result("no response"), "- - 200 7 7 - -"),
    ):
        format = "$context.integration.status $context.integrationStatus "
        format += "$context.integration.integrationStatus $context.integration.latency "
        format += "$context.integrationLatency $context.integration.error "
        format += "$context.integrationErrorMessage"
        assert access_log.line(format, responses.logged(found, 7)) == expected


def test_a_format_of_an_access_log_has_at_most_3_kb(tmp_path: Path) -> None:
    """ "Access log template size": "Quotas for configuring and running a WebSocket API"."""
    access_log.AccessLog("x" * 3072, tmp_path / "log")
    with pytest.raises(EmulatorError, match="over 3072 bytes"):
        access_log.AccessLog("é" * 1537, tmp_path / "log")


def test_an_access_log_has_a_frame_s_context_and_why_it_failed() -> None:
    logged: list[Mapping[str, Any]] = []
    invoke: Any = None
    api = model.WebSocketApi("local0ws1d", "live", ("action",), {})
    place = "us-east-1", "123456789012"
    dispatcher = Dispatcher(api, invoke, *place, lambda: 1.0, bytes, access=logged.append)
    asyncio.run(dispatcher.message(INFO, "{}"))
    format = "$context.status $context.error.message $context.identity.sourceIp $context.stage"
    format += " $context.authorizer.user $context.connectedAt $context.requestTime"
    format += " $context.messageId $context.error.messageString"
    assert access_log.line(format, logged[0]) == (
        '403 Forbidden ::1 live ravi 500 01/Jan/1970:00:00:01 +0000 AAAAAAAAAAAAAAA= "Forbidden"'
    )


def test_an_access_log_has_the_error_of_an_authorizer() -> None:
    async def invoke(_function: str, _event: bytes) -> InvokeResult:
        return result({"errorMessage": "no key"}, error=True)

    logged: list[Mapping[str, Any]] = []
    authorizer = model.Authorizer("authorize", ())
    route = model.Route("$connect", model.Integration("connect"), authorizer=authorizer)
    api = model.WebSocketApi("local0ws1d", "live", ("action",), {"$connect": route})
    place = "us-east-1", "123456789012"
    dispatcher = Dispatcher(api, invoke, *place, lambda: 1.0, bytes, access=logged.append)
    asyncio.run(dispatcher.open(INFO, Upgrade((), "", "::1", 8081, "Root=1")))
    format = "$context.status $context.authorizer.error $context.integrationLatency"
    assert access_log.line(format, logged[0]) == "500 no key -"
