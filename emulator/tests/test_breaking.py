"""Faults on purpose: functions, calls of AWS, executions; and their end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from emulator.aws.broken_calls import BrokenCalls
from emulator.aws.calls_made import Calls
from emulator.breaking import ERROR, THROTTLE, Broken
from emulator.credentials import ACCESS_KEY

TABLE = b'{"TableName": "Chats"}'


def broken(*faults: dict[str, Any]) -> Broken:
    async def make() -> Broken:
        found = Broken()
        for each in faults:
            await found.add(each)
        return found

    return asyncio.run(make())


def test_a_function_is_broken_by_its_name_until_all_is_mended() -> None:
    found = broken({"kind": ERROR, "of": "Send"}, {"kind": THROTTLE, "of": "Push"})
    assert [found.of_function(each) for each in ("Send", "Push", "Sync")] == [ERROR, THROTTLE, None]
    asyncio.run(found.mend())
    assert found.of_function("Send") is None
    assert found.state() == {"broken": []}


def test_executions_of_others_are_added_up() -> None:
    several = ({"kind": "executions", "of": each} for each in ("900", "50"))
    assert broken(*several).executions() == 950


def test_the_credential_of_fcm_is_revoked_until_all_is_mended() -> None:
    found = broken({"kind": "credential", "of": "fcm"})
    assert found.revoked()
    asyncio.run(found.mend())
    assert not found.revoked()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "wrong", "of": "x"},
        {"kind": ERROR},
        {"kind": "executions", "of": "many"},
        {"kind": "credential", "of": "nobody"},
    ],
)
def test_what_is_no_fault_is_rejected(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="of"):
        broken(given)


def called(operation: str, body: bytes = TABLE, key: str = "AKIA-worker") -> Any:
    """The response to a call while all calls of Query that name Chats are throttled."""
    calls = BrokenCalls()
    calls._broken = [{"operation": "Query", "text": "Chats", "code": "ThrottlingException"}]
    credential = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/dynamodb/aws4_request"
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Authorization": credential}
    return calls.error(make_mocked_request("POST", "/", headers=headers), body)


def test_a_call_that_is_broken_fails_with_its_code() -> None:
    response = called("Query")
    assert response.status == 400
    assert json.loads(response.text)["__type"].endswith("#ThrottlingException")


def test_others_and_the_administrator_s_are_not_broken() -> None:
    assert called("GetItem") is None
    assert called("Query", b'{"TableName": "Users"}') is None
    assert called("Query", key=ACCESS_KEY) is None


def test_a_call_without_a_signature_is_retained_if_it_fails_and_without_its_password() -> None:
    calls = Calls()
    headers = {"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth"}
    secrets = {"AuthParameters": {"PASSWORD": "Correct-horse-7"}}
    request = json.dumps({"ClientId": "app", "AuthFlow": "USER_PASSWORD_AUTH", **secrets}).encode()
    error = b'{"__type": "TooManyRequestsException", "message": "wait"}'
    for status, result in ((200, b"{}"), (400, error)):
        calls.made(headers, request, 0.0, status, result)
    (made,) = calls.after(0)["calls"]
    assert made["error"].startswith("TooManyRequestsException")
    assert json.loads(made["given"]) == {"ClientId": "app", "AuthFlow": "USER_PASSWORD_AUTH"}
