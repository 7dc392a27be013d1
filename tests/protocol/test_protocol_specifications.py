"""The AsyncAPI and OpenAPI documents fit their formats and name every frame and route."""

import json
import os
import re
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped] # has no types

from lambdas.api.routes import ROUTES
from protocol.schemas import ROOT, SCHEMAS, read

# the npm package @asyncapi/specs, which `make test` installs with the browser client's others
ASYNCAPI_SCHEMA = ROOT / "web/node_modules/@asyncapi/specs/schemas/3.0.0.json"
ASYNCAPI: dict[str, Any] = json.loads((ROOT / "protocol/asyncapi.json").read_text("utf-8"))
OPENAPI: dict[str, Any] = json.loads((ROOT / "protocol/openapi.json").read_text("utf-8"))


@pytest.mark.skipif(
    not ASYNCAPI_SCHEMA.exists() and "SWITCHBOARD_REQUIRE_BROWSER" not in os.environ,
    reason="plain pytest without the packages of web/, which `make test` installs; CI requires them",
)
def test_the_asyncapi_document_fits_the_schema_of_its_format() -> None:
    schema = json.loads(ASYNCAPI_SCHEMA.read_text("utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(ASYNCAPI)] == []


def test_every_frame_is_a_message_of_the_operation_of_its_direction() -> None:
    messages = ASYNCAPI["channels"]["chat"]["messages"]
    for group, operation in (("client", "receiveFrames"), ("server", "sendFrames")):
        frames = {f"{group}-{file.stem}": read(file) for file in (SCHEMAS / group).glob("*.json")}
        named = {each["$ref"] for each in ASYNCAPI["operations"][operation]["messages"]}
        assert named == {f"#/channels/chat/messages/{name}" for name in frames}
        for name, schema in frames.items():
            assert messages[name]["payload"]["properties"] == schema["properties"]


@pytest.mark.slow
def test_the_openapi_document_fits_its_format() -> None:
    from openapi_spec_validator import (
        validate,
    )  # takes long, and each worker of pytest-xdist reads this file

    validate(OPENAPI)


def test_the_openapi_document_has_the_routes_of_the_api_and_which_are_open() -> None:
    documented = {
        (method.upper(), path): operation.get("security") == []
        for path, operations in OPENAPI["paths"].items()
        for method, operation in operations.items()
    }
    assert documented == {(route.method, route.path): route.open for route in ROUTES}


def test_a_route_of_the_openapi_document_takes_the_body_that_the_api_validates() -> None:
    for route in ROUTES:
        operation = OPENAPI["paths"][route.path][route.method.lower()]
        taken = re.findall(r"#/components/schemas/(\w+)", json.dumps(operation.get("requestBody")))
        found = [OPENAPI["components"]["schemas"][name]["properties"] for name in taken]
        bodies = [route.body] if route.body else []
        assert found == [
            read(SCHEMAS / f"rest/{body}.request.json")["properties"] for body in bodies
        ]
