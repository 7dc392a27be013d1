"""The @connections commands over real sockets."""

import asyncio
import re
from datetime import datetime
from typing import Any

import pytest
from tests.gateway.scene import (
    SIGNED,
    receive,
    running,
    until,
)
from tests.rows import rows
from websockets.exceptions import ConnectionClosed

from emulator.gateway.management import unsigned


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_connections_can_be_looked_at_and_closed() -> None:
    async def scenario() -> None:
        async with running() as scene, scene.connect() as socket:
            connection_id = await scene.connection_id()
            status, _, document = await scene.manage("GET", connection_id)
            assert status == 200
            assert document.keys() == {"connectedAt", "identity", "lastActiveAt"}
            assert document["identity"]["sourceIp"] == "127.0.0.1"
            assert (await scene.manage("POST", connection_id, b"farewell"))[0] == 200
            assert (await scene.manage("DELETE", connection_id))[0] == 204
            assert (await scene.manage("POST", connection_id, b"x"))[0] == 410
            assert await receive(socket) == "farewell"
            with pytest.raises(ConnectionClosed) as closed:
                await receive(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1000
            await until(lambda: scene.functions.of("disconnect"))
            (event,) = scene.functions.of("disconnect")
            # as logged in github.com/aws/chalice/issues/2060
            assert event["requestContext"]["disconnectReason"] == "Connection Closed Normally"
            for method in ("GET", "POST", "DELETE"):
                assert (await scene.manage(method, connection_id))[:2] == (410, "GoneException")

    run(scenario)


def test_what_cannot_be_posted_is_rejected_as_aws_rejects_it() -> None:
    async def scenario() -> None:
        async with running() as scene, scene.connect() as socket:
            connection_id = await scene.connection_id()
            gone = await scene.manage("POST", "DOvZ1cdTIAMCLtA=", b"x")
            assert gone == (410, "GoneException", None)
            assert (await scene.manage("POST", connection_id, b"x" * 131_073))[:2] == (
                413,
                "PayloadTooLargeException",
            )
            unsigned = await scene.manage("POST", connection_id, b"x", headers={})
            assert unsigned == (
                403,
                "MissingAuthenticationTokenException",
                {"message": "Missing Authentication Token"},
            )
            assert (await scene.manage("PUT", connection_id, b"x"))[0] == 403
            assert (await scene.manage("POST", connection_id, b"x" * 131_072))[0] == 200
            assert len(await receive(socket)) == 131_072

    run(scenario)


def test_a_client_that_does_not_read_blocks_nobody_else() -> None:
    async def scenario() -> None:
        async with running() as scene, scene.connect(max_queue=1) as stuck:
            stuck_id = await scene.connection_id()
            async with scene.connect() as other:
                other_id = await scene.connection_id()
                stuck.transport.pause_reading()
                statuses = []
                async with asyncio.timeout(30):
                    while 429 not in statuses:
                        status, _, _ = await scene.manage("POST", stuck_id, b"x" * 131_072)
                        statuses.append(status)
                assert (await scene.manage("POST", other_id, b"hello"))[0] == 200
                assert await receive(other) == "hello"
                assert len(statuses) < 200
                stuck.transport.abort()

    run(scenario)


def test_a_posted_message_comes_in_frames_of_at_most_32_kb() -> None:
    """ "This applies to @connections commands": "Quotas for configuring and running a WebSocket in
    API Gateway"."""

    async def scenario() -> None:
        async with running() as scene, scene.connect(max_size=(131_072, 32_768)) as socket:
            text = "ä" * 65_536
            connection_id = await scene.connection_id()
            assert (await scene.manage("POST", connection_id, text.encode()))[0] == 200
            assert await receive(socket) == text
            assert (await scene.manage("POST", connection_id, b"\xff" * 40_000))[0] == 200
            assert await receive(socket) == b"\xff" * 40_000

    run(scenario)


def test_the_times_of_a_connection_have_milliseconds() -> None:
    """As in the AWS CLI's example of get-connection, and to the millisecond that the events have."""

    async def scenario() -> None:
        async with running() as scene, scene.connect():
            _, _, document = await scene.manage("GET", await scene.connection_id())
            (event,) = scene.functions.of("connect")
            at = datetime.fromisoformat(document["connectedAt"])
            assert round(at.timestamp() * 1000) == event["requestContext"]["connectedAt"]
            for name in ("connectedAt", "lastActiveAt"):
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document[name])

    run(scenario)


CREDENTIAL = "Credential=x/20260101/us-east-1/execute-api/aws4_request"
REST = "SignedHeaders=host, Signature=x"


# Sources: see management.unsigned.
@rows(
    ("header", "code", "message"),
    [
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {REST}", None, ""),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL},{REST}", None, ""),
        ("Bearer abc", "Incomplete", "'abc' not a valid key=value pair (missing equal-sign)"),
        ("", "Incomplete", "'' not a valid key=value pair (missing equal-sign)"),
        ("eyJ0e==", "Incomplete", "Authorization header requires 'Credential' parameter. Author"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}", "Incomplete", "Authorization header requires 'Signat"),
        (f"AWS4-HMAC-SHA256 Credential=x, {REST}", "Incomplete", "Credential must have exactly 5"),
        (
            f"AWS4-HMAC-SHA256 {CREDENTIAL.replace('us-east-1', 'eu-west-1')}, {REST}",
            "Invalid",
            "Credential should be scoped to a valid region, not 'eu-west-1'. ",
        ),
        (
            f"AWS4-HMAC-SHA256 {CREDENTIAL.replace('execute-api', 'apigateway')}, {REST}",
            "Invalid",
            "Credential should be scoped to correct service: 'execute-api'. ",
        ),
    ],
)
def test_a_call_is_signed_for_this_api_and_its_region(
    header: str, code: str | None, message: str
) -> None:
    found = unsigned({"Authorization": header, "X-Amz-Date": "20260101T000000Z"}, "us-east-1")
    assert (found and found[0]) == (code and f"{code}SignatureException")
    assert (found or ("", ""))[1].startswith(message)


def test_a_call_without_a_date_or_with_another_signature_is_403() -> None:
    async def scenario() -> None:
        async with running() as scene, scene.connect():
            connection_id = await scene.connection_id()
            for method in ("GET", "POST", "DELETE"):
                headers = {"Authorization": SIGNED["Authorization"]}
                status, code, document = await scene.manage(method, connection_id, b"x", headers)
                assert (status, code) == (403, "IncompleteSignatureException")
                assert "existence of either a 'X-Amz-Date' or a 'Date'" in document["message"]
            assert (await scene.manage("GET", connection_id))[0] == 200

    run(scenario)


# An id in API Gateway's form that nobody has is gone; one of another form is the caller's mistake:
# github.com/localstack/localstack/issues/4694.
@pytest.mark.parametrize(
    "id", ["None", "nobody=", "x" * 16, "DOvZ1cdTIAMCLtA", "DOvZ1cdTIAMCL.A=", "DOvZ1cdTIAMCLtA=="]
)
def test_a_connection_id_of_another_form_is_400(id: str) -> None:
    async def scenario() -> None:
        async with running() as scene:
            for method in ("GET", "POST", "DELETE"):
                status, code, document = await scene.manage(method, id, b"x")
                assert (status, code) == (400, "BadRequestException")
                assert document.keys() == {"message", "connectionId", "requestId"}
                assert document["message"] == f"Invalid connectionId: {id}"

    run(scenario)
