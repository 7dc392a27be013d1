"""Custom resources: the function behind the ServiceToken is called as CloudFormation calls it.

Source: CloudFormation user guide, "Custom resource request and response reference".
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from emulator.listening import HttpListener, read_body
from emulator.providers import Created, EmulatorError, Invoke, Resource
from emulator.resource import as_strings
from emulator.template.place import STACK_UUID, Place

DEFAULT_TIMEOUT = 3600  # seconds, CloudFormation's own
MAX_RESPONSE = 4096  # bytes

Prepare = Callable[[Mapping[str, Any]], Awaitable[None]]


class CustomResourceProvider:
    """`prepare` maps a resource type to what is done with its properties before its function is
    called. Takes every type that starts with `Custom::` as well."""

    types = ("AWS::CloudFormation::CustomResource",)

    def __init__(
        self, invoke: Invoke, place: Place, prepare: Mapping[str, Prepare] | None = None
    ) -> None:
        self._invoke = invoke
        self._place = place
        self._prepare = prepare or {}
        self._listener = HttpListener(self._take_response, 0, "responses of custom resources")
        self._expected: dict[str, asyncio.Future[Mapping[str, Any]]] = {}

    async def start(self) -> None:
        await self._listener.start()

    async def stop(self) -> None:
        await self._listener.stop()

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError with the function's Reason when it responds FAILED, and when it
        fails or does not respond in time."""
        if resource.type in self._prepare:
            await self._prepare[resource.type](properties)
        request_id = str(uuid.uuid4())
        self._expected[request_id] = asyncio.get_running_loop().create_future()
        seconds = float(properties.get("ServiceTimeout", DEFAULT_TIMEOUT))
        event = self._event(resource, properties, request_id)
        try:
            async with asyncio.timeout(seconds):
                response = await self._ask(properties["ServiceToken"], event, request_id)
        except TimeoutError:
            raise EmulatorError(
                f"{resource}: no response from {properties['ServiceToken']} in {seconds:.0f} s"
            ) from None
        except _FunctionFailed as error:
            raise EmulatorError(f"{resource}: its function failed: {error}") from error
        finally:
            del self._expected[request_id]
        if response.get("Status") != "SUCCESS":
            raise EmulatorError(f"{resource}: {response.get('Reason') or 'no reason given'}")
        return Created(str(response["PhysicalResourceId"]), response.get("Data") or {})

    async def _ask(
        self, function: str, event: Mapping[str, Any], request_id: str
    ) -> Mapping[str, Any]:
        result = await self._invoke(function, json.dumps(event).encode())
        expected = self._expected[request_id]
        if result.error and not expected.done():
            raise _FunctionFailed(result.payload.decode(errors="replace"))
        return await expected

    def _event(
        self, resource: Resource, properties: dict[str, Any], request_id: str
    ) -> dict[str, Any]:
        return {
            "RequestType": "Create",
            "ServiceToken": properties["ServiceToken"],
            "ResponseURL": f"{self._listener.url}/{request_id}",
            "StackId": self._place.stack_id(resource.stack, STACK_UUID),
            "RequestId": request_id,
            "LogicalResourceId": resource.logical_id,
            "ResourceType": resource.type,
            "ResourceProperties": as_strings(properties),
        }

    async def _take_response(self, request: web.BaseRequest) -> web.Response:
        """The PUT to the presigned URL."""
        body = await read_body(request, MAX_RESPONSE)
        expected = self._expected.get(request.path.strip("/"))
        if expected is None or expected.done():
            return web.Response(status=403, text="expired")
        if len(body) > MAX_RESPONSE:
            expected.set_result(
                {"Status": "FAILED", "Reason": f"the response is over {MAX_RESPONSE} bytes"}
            )
        else:
            expected.set_result(_parsed(body))
        return web.Response()


class _FunctionFailed(Exception):
    pass


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        response = json.loads(body)
    except ValueError:
        response = None
    if not isinstance(response, dict) or not response.get("PhysicalResourceId"):
        given = response.get("Reason") if isinstance(response, dict) else None
        reason = given or f"no PhysicalResourceId in the response {body[:200]!r}"
        return {"Status": "FAILED", "Reason": reason}
    return response
