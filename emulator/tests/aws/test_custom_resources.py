"""Custom resources: what their functions return is what they are."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

import pytest

from emulator.providers import Created, EmulatorError, InvokeResult, Resource
from emulator.resources.custom import CustomResourceProvider
from emulator.template.place import Place


class FakeFunction:
    """Responds to a custom resource's event with `response`, by PUT, as a handler does."""

    def __init__(self, response: dict[str, Any] | bytes | None, *, error: bool = False) -> None:
        self.response = response
        self.error = error
        self.event: dict[str, Any] = {}

    async def __call__(self, function: str, event: bytes) -> InvokeResult:
        self.event = json.loads(event)
        if self.response is not None:
            body = self.response
            if isinstance(body, dict):
                body = json.dumps(body).encode()
            request = urllib.request.Request(self.event["ResponseURL"], body, method="PUT")
            await asyncio.to_thread(lambda: urllib.request.urlopen(request).read())
        return InvokeResult(b'{"errorMessage": "boom"}' if self.error else b"null", self.error)


def custom(function: FakeFunction, **properties: Any) -> Created:
    async def scenario() -> Created:
        prepared.clear()
        provider = CustomResourceProvider(function, Place(), {"Custom::Platforms": prepare})
        await provider.start()
        try:
            resource = Resource("chat", "Platforms", "Custom::Platforms")
            return await provider.create(resource, {"ServiceToken": "arn:f", **properties})
        finally:
            await provider.stop()

    return asyncio.run(scenario())


prepared: list[Any] = []


async def prepare(properties: Any) -> None:
    prepared.append(properties)


def test_a_custom_resource_is_what_its_function_returns() -> None:
    function = FakeFunction(
        {"Status": "SUCCESS", "PhysicalResourceId": "apps-1", "Data": {"FcmArn": "arn:fcm"}}
    )
    made = custom(function, Version=1, Flag=True, Nested={"list": [1, "a"]})
    assert made == Created("apps-1", {"FcmArn": "arn:fcm"})
    event = function.event
    assert (event["RequestType"], event["LogicalResourceId"]) == ("Create", "Platforms")
    assert event["ResourceType"] == "Custom::Platforms"
    assert event["StackId"].startswith("arn:aws:cloudformation:us-east-1:123456789012:stack/chat/")
    assert event["ResourceProperties"] == {
        "ServiceToken": "arn:f",
        "Version": "1",
        "Flag": "true",
        "Nested": {"list": ["1", "a"]},
    }
    assert prepared[0]["Version"] == 1


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (
            FakeFunction({"Status": "FAILED", "Reason": "no key", "PhysicalResourceId": "x"}),
            "no key",
        ),
        (FakeFunction(None, error=True), "its function failed: .*boom"),
        (FakeFunction(None), "no response from arn:f in 1 s"),
        (FakeFunction({"Status": "SUCCESS"}), "no PhysicalResourceId in the response"),
        (FakeFunction(b"hello"), "no PhysicalResourceId in the response"),
        (FakeFunction(b"x" * 5000), "the response is over 4096 bytes"),
        (FakeFunction(b"x" * 2_000_000), "the response is over 4096 bytes"),
    ],
)
def test_a_custom_resource_that_fails_says_why(function: FakeFunction, sentence: str) -> None:
    # The function that never responds is waited for until the timeout; the others end at once.
    timeout = "1" if sentence.startswith("no response") else "60"
    with pytest.raises(EmulatorError, match=f"Custom::Platforms Platforms.*{sentence}"):
        custom(function, ServiceTimeout=timeout)
