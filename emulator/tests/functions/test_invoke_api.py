"""Lambda's Invoke as boto3 calls it, through the AWS server, which is another process."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.functions.hosts import function, running

from emulator.functions import log_tail
from emulator.functions.invoke_api import InvokeApi
from tests import aws_servers

SOURCE = """
import time

def handler(event, context):
    if event.get("fail"):
        raise ValueError("on purpose")
    time.sleep(event.get("sleep", 0))
    return {"event": event}
"""


ARN = "arn:aws:lambda:us-east-1:123456789012:function:echo"
Submitted = list[tuple[str, bytes, str]]


def invoked(
    tmp_path: Path,
    request: Callable[[Any], Any],
    submitted: Submitted | None = None,
    **fields: Any,
) -> Any:
    """What `request` gets from a client of Lambda's API; asynchronous events go to `submitted`."""
    events = [] if submitted is None else submitted

    async def main() -> Any:
        async with running(tmp_path) as functions:
            made = function(tmp_path, SOURCE, **fields)
            functions.add(made)
            api = InvokeApi(functions, 0, submit=lambda *event: events.append(event))
            await api.start()
            once = Config(retries={"total_max_attempts": 1})
            with aws_servers.running(functions=api.listener.url, region="us-east-1") as url:
                client: Any = boto3.client("lambda", endpoint_url=url, config=once)
                try:
                    return await asyncio.to_thread(request, client)
                finally:
                    await api.stop()

    return asyncio.run(main())


def test_a_function_is_invoked_by_its_name_and_by_its_arn(tmp_path: Path) -> None:
    def request(client: Any) -> Any:
        return [
            client.invoke(FunctionName=name, Payload=json.dumps({"a": "é"}).encode())
            for name in ("echo", ARN, "123456789012:function:echo")
        ] + [client.invoke(FunctionName="echo")]

    for response, event in zip(invoked(tmp_path, request), [{"a": "é"}] * 3 + [{}], strict=True):
        assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
        assert "FunctionError" not in response
        assert json.loads(response["Payload"].read()) == {"event": event}


def test_an_error_of_the_function_is_a_response_that_says_so(tmp_path: Path) -> None:
    response = invoked(
        tmp_path, lambda client: client.invoke(FunctionName="echo", Payload=b'{"fail": true}')
    )
    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    document = json.loads(response["Payload"].read())
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "on purpose")


def test_the_end_of_the_log_is_returned_where_it_is_asked_for(tmp_path: Path) -> None:
    """ "Invoke", API reference: LogType and LogResult."""

    def request(client: Any) -> Any:
        return client.invoke(FunctionName="echo", Payload=b'{"fail": true}', LogType="Tail")

    response = invoked(tmp_path, request)
    id = response["ResponseMetadata"]["RequestId"]
    lines = base64.b64decode(response["LogResult"]).decode().splitlines()
    assert lines[0] == f"START RequestId: {id} Version: $LATEST"
    assert any("ValueError: on purpose" in line for line in lines[1:-2])
    assert lines[-2] == f"END RequestId: {id}"
    assert lines[-1].startswith(f"REPORT RequestId: {id}\tDuration: ")
    assert lines[-1].endswith("\tMemory Size: 128 MB\t")


def test_of_a_long_log_the_last_4_kb_are_returned(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("before" + "x" * 5000 + "y")
    found = base64.b64decode(log_tail.tail(log, 6, "id", "$LATEST", 0.0015, 128))
    assert len(found) == 4096
    assert found.endswith(
        b"xyEND RequestId: id\nREPORT RequestId: id\tDuration: 1.50 ms\tBilled Duration: 2 ms\t"
        b"Memory Size: 128 MB\t\n"
    )


def test_an_asynchronous_event_is_accepted_at_once_and_keeps_the_id_of_its_request(
    tmp_path: Path,
) -> None:
    def request(client: Any) -> Any:
        return [
            client.invoke(FunctionName="echo", InvocationType="Event", **given)
            for given in ({"Payload": b'{"a": 1}'}, {"Qualifier": "$LATEST"})
        ]

    submitted: Submitted = []
    responses = invoked(tmp_path, request, submitted)
    for response in responses:
        assert (response["StatusCode"], response["Payload"].read()) == (202, b"")
    first, second = (response["ResponseMetadata"]["RequestId"] for response in responses)
    assert submitted == [("echo", b'{"a": 1}', first), ("echo:$LATEST", b"{}", second)]


def test_a_dry_run_invokes_nothing(tmp_path: Path) -> None:
    def request(client: Any) -> Any:
        return client.invoke(
            FunctionName="echo", InvocationType="DryRun", Payload=b'{"fail": true}'
        )

    submitted: Submitted = []
    response = invoked(tmp_path, request, submitted)
    assert (response["StatusCode"], response["Payload"].read()) == (204, b"")
    assert submitted == []


REJECTED: list[tuple[dict[str, Any], int, str]] = [
    ({"FunctionName": "other"}, 404, "ResourceNotFoundException"),
    ({"FunctionName": "echo", "Qualifier": "7"}, 404, "ResourceNotFoundException"),
    ({"FunctionName": "other", "InvocationType": "DryRun"}, 404, "ResourceNotFoundException"),
    *(
        ({"FunctionName": "echo", "Payload": payload}, 400, "InvalidRequestContentException")
        for payload in (b"{", b"NaN", b"\xff", "{}".encode("utf-16"), b"[" * 100_000)
    ),
    # as LocalStack has recorded them: test_function_arns, test_invalid_invoke, qualifier mismatches
    ({"FunctionName": "echo@1"}, 400, "ValidationException"),
    ({"FunctionName": ARN.replace("us-east-1", "eu-west-1")}, 404, "ResourceNotFoundException"),
    ({"FunctionName": ARN.replace("123456789012", "210987654321")}, 403, "AccessDeniedException"),
    (
        {"FunctionName": f"{ARN}:1", "Qualifier": "$LATEST"},
        400,
        "InvalidParameterValueException",
    ),
    ({"FunctionName": "echo", "Payload": b'"' + b"x" * 2**23}, 413, "RequestTooLargeException"),
    (
        {"FunctionName": "echo", "InvocationType": "Event", "Payload": b'"' + b"x" * 2**20 + b'"'},
        413,
        "RequestEntityTooLargeException",
    ),
    # docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: request parameters
    ({"FunctionName": "echo", "InvocationType": "event"}, 400, "ValidationException"),
    ({"FunctionName": "echo", "LogType": "tail"}, 400, "ValidationException"),
    ({"FunctionName": "echo", "Qualifier": "a b"}, 400, "ValidationException"),
    ({"FunctionName": "echo", "Qualifier": "x" * 129}, 400, "ValidationException"),
    ({"FunctionName": "e" * 257}, 400, "ValidationException"),
    ({"FunctionName": "echo", "ClientContext": "e30="}, 400, "InvalidParameterValueException"),
    ({"FunctionName": "echo", "TenantId": "t"}, 400, "InvalidParameterValueException"),
    ({"FunctionName": "echo", "DurableExecutionName": "d"}, 400, "InvalidParameterValueException"),
]


def test_what_can_not_be_invoked_gets_the_error_that_aws_documents(tmp_path: Path) -> None:
    def request(client: Any) -> Any:
        found = []
        for request, _, _ in REJECTED:
            with pytest.raises(client.exceptions.ClientError) as error:
                client.invoke(**request)
            response = error.value.response
            status = response["ResponseMetadata"]["HTTPStatusCode"]
            found.append((status, response["Error"]["Code"]))
            assert response["Error"]["Message"] or status == 403
        return found

    submitted: Submitted = []
    found = invoked(tmp_path, request, submitted)
    assert found == [(status, code) for _, status, code in REJECTED]
    assert submitted == []


def test_another_region_is_named_and_invokes_nothing(tmp_path: Path) -> None:
    def request(client: Any) -> Any:
        other = boto3.client("lambda", "eu-west-1", endpoint_url=client.meta.endpoint_url)
        with pytest.raises(client.exceptions.ClientError, match=r"is in us-east-1, not in eu-west"):
            other.invoke(FunctionName="echo", InvocationType="Event")

    submitted: Submitted = []
    invoked(tmp_path, request, submitted)
    assert submitted == []


def test_a_function_that_is_not_there_is_named_by_its_arn(tmp_path: Path) -> None:
    """As LocalStack has recorded it."""

    def request(client: Any) -> Any:
        found = []
        for given in ({}, {"Qualifier": "live"}):
            with pytest.raises(client.exceptions.ResourceNotFoundException) as error:
                client.invoke(FunctionName="other", **given)
            found.append(error.value.response["Error"]["Message"])
        return found

    arn = ARN.replace("echo", "other")
    assert invoked(tmp_path, request) == [
        f"Function not found: {arn}",
        f"Function not found: {arn}:live",
    ]


def test_over_its_reserved_concurrency_a_function_is_throttled(tmp_path: Path) -> None:
    def request(client: Any) -> Any:
        with pytest.raises(client.exceptions.TooManyRequestsException) as error:
            client.invoke(FunctionName="echo")
        return error.value.response["Reason"]

    reason = invoked(tmp_path, request, reserved=0)
    assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
