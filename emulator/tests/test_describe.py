"""A parameter that narrows a listing has an effect, or the error names it as unsupported."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from emulator.describe.api import DescribeApi, Parameters
from emulator.describe.errors import Unsupported
from emulator.describe.made import Made
from emulator.describe.stacks import CloudFormationView


def test_a_parameter_that_was_read_or_makes_pages_is_no_error() -> None:
    asked = Parameters({"Names": ["a"], "Limit": 1, "Action": "x", "Kind": "b"})
    assert (asked.get("Names"), asked["Kind"], asked.get("Other")) == (["a"], "b", None)
    asked.require_read("ListThings")


def test_a_parameter_that_nobody_read_is_named() -> None:
    asked = Parameters({"Names": ["a"], "StartingToken": "x", "Kind": "b"})
    asked.get("Names")
    with pytest.raises(Unsupported, match="Kind, StartingToken of ListThings"):
        asked.require_read("ListThings")


def listed(api: DescribeApi, **given: str) -> tuple[int, str]:
    body = urlencode({"Action": "ListStackResources", "Version": "2010-05-15", **given}).encode()
    response = api.respond("cloudformation", "POST", "/", "", body, "")
    return response.status, response.body


def test_the_caller_sees_the_sentence() -> None:
    views: Any = {
        "cloudformation": {
            **CloudFormationView(Made()).operations(),
            "ListStackResources": lambda given: {"StackResourceSummaries": []},
        },
        "lambda": {"ListFunctions": lambda given: {"Functions": []}},
    }
    api = DescribeApi(views)
    assert listed(api)[0] == 200
    status, body = listed(api, Other="x")
    assert status == 400 and "does not serve Other of ListStackResources" in body
    response = api.respond("lambda", "GET", "/2015-03-31/functions", "FunctionVersion=ALL", b"", "")
    assert response.status == 400
    assert "FunctionVersion of ListFunctions" in json.loads(response.body)["message"]
    response = api.respond("lambda", "GET", "/2015-03-31/functions", "MaxItems=5", b"", "")
    assert response.status == 200


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"7", b"\xff", b"[" * 200_000, b'{"logGroupNamePrefix": 5}', b'{"limit": "x"}'],
    ids=["open", "list", "number", "bytes", "deep", "prefix", "limit"],
)
def test_a_body_of_another_form_is_rejected(body: bytes) -> None:
    views: Any = {"logs": {"DescribeLogGroups": lambda given: {"logGroups": []}}}
    action = "Logs_20140328.DescribeLogGroups"
    response = DescribeApi(views).respond("logs", "POST", "/", "", body, action)
    assert (response.status, json.loads(response.body)["__type"]) == (400, "SerializationException")
