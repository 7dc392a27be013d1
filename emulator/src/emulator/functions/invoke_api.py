"""Lambda's operation Invoke, over HTTP, for what runs here: the AWS server passes calls on to it.

Synchronous and asynchronous invocations, and dry runs. Source: the API reference of "Invoke"
(2015-03-31), docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from aiohttp import web

from emulator import strict_json
from emulator.functions import log_tail
from emulator.functions.failures import MAX_PAYLOAD
from emulator.functions.functions import Functions
from emulator.functions.model import arn_of, qualified
from emulator.functions.names import LambdaError, misnamed, out_of_bounds
from emulator.listening import HttpListener, Port, read_body
from emulator.providers import EmulatorError, Throttled
from emulator.template.place import Place

PREFIX, SUFFIX = "/2015-03-31/functions/", "/invocations"
ASYNCHRONOUS_BYTES = 1024 * 1024  # of an event: "Lambda quotas"
_KINDS = ("RequestResponse", "Event", "DryRun")
_UNSUPPORTED = {
    "X-Amz-Client-Context": "ClientContext",
    "X-Amz-Durable-Execution-Name": "DurableExecutionName",
    "X-Amz-Tenant-Id": "TenantId",
}
_LOG_TYPES = ("None", "Tail")
Describe = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Submit = Callable[[str, bytes, str], None]


class InvokeApi:
    """`POST /2015-03-31/functions/<name or ARN>/invocations`."""

    def __init__(
        self,
        functions: Functions,
        port: Port,
        describe: Describe | None = None,
        submit: Submit | None = None,
        place: Place | None = None,
    ) -> None:
        """`describe` responds to what is below `/_describe/`; `submit` takes asynchronous events,
        with their request ids."""
        self._functions, self._submit, self._place = functions, submit, place or Place()
        self._describe = describe
        self.listener = HttpListener(self._handle, port, "Lambda's Invoke")

    async def start(self) -> None:
        await self.listener.start()

    async def stop(self) -> None:
        await self.listener.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._describe is not None and request.path.startswith("/_describe/"):
            return await self._describe(request)
        event = await read_body(request, MAX_PAYLOAD)
        if len(event) > MAX_PAYLOAD:
            return _failed(_too_large(len(event)))
        kind = request.headers.get("X-Amz-Invocation-Type", _KINDS[0])
        log_type = request.headers.get("X-Amz-Log-Type", _LOG_TYPES[0])
        for member, value, values in (
            ("invocationType", kind, _KINDS),
            ("logType", log_type, _LOG_TYPES),
        ):
            if value not in values:
                rule = f"satisfy enum value set: [{', '.join(values)}]"
                return _failed(out_of_bounds(member, value, rule))
        reference = unquote(request.path_qs.partition("?")[0])
        reference = reference.removeprefix(PREFIX).removesuffix(SUFFIX)
        if error := misnamed(reference, request.query.get("Qualifier"), self._place):
            return _failed(error)
        name, qualifier = qualified(reference)
        qualifier = request.query.get("Qualifier", qualifier)
        called = f"{name}:{qualifier}" if qualifier else name
        for header, parameter in _UNSUPPORTED.items():
            if header in request.headers:
                return _failed(_unsupported(f"a {parameter}"))
        return await self._invoke(called, kind, event or b"{}", log_type == "Tail")

    async def _invoke(
        self, reference: str, kind: str, event: bytes, tail: bool
    ) -> web.StreamResponse:
        if kind == "Event" and self._submit is None:
            return _failed(_unsupported(f"the invocation type {kind}"))
        if kind == "Event" and len(event) > ASYNCHRONOUS_BYTES:
            return _failed(_too_large_event(len(event)))
        try:
            strict_json.loads(event.decode())
        except ValueError as error:
            text = (
                "Could not parse request body into json: "
                f"Could not parse payload into json: {error}"
            )
            return _failed(LambdaError(400, "InvalidRequestContentException", text))
        try:
            version = self._functions.version(reference)
        except EmulatorError:
            return _failed(_not_found(reference, self._place))
        if kind == "DryRun":
            return web.Response(status=204, headers=_headers())
        request_id = str(uuid.uuid4())  # the function's as well
        if kind == "Event" and self._submit is not None:
            self._submit(reference, event, request_id)
            return web.Response(status=202, headers=_headers(request_id))
        function = self._functions.function(reference)
        logged, began = log_tail.size(function.log), time.monotonic()
        try:
            result = await self._functions.invoke(reference, event, request_id)
        except Throttled:
            reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
            return _failed(
                LambdaError(429, "TooManyRequestsException", "Rate Exceeded.", reason=reason)
            )
        headers = {"X-Amz-Executed-Version": version}
        if result.error:
            headers["X-Amz-Function-Error"] = "Unhandled"
        if tail:
            passed = time.monotonic() - began
            headers["X-Amz-Log-Result"] = log_tail.tail(
                function.log, logged, request_id, version, passed, function.memory
            )
        headers |= _headers(request_id)
        return web.Response(body=result.payload, headers=headers, content_type="application/json")


def _failed(error: LambdaError) -> web.Response:
    document = {"Type": "User", error.message: error.text}
    if error.reason:
        document["Reason"] = error.reason
    return web.Response(
        status=error.status,
        text=json.dumps(document),
        headers=_headers() | {"x-amzn-ErrorType": error.code},
        content_type="application/json",
    )


def _not_found(reference: str, place: Place) -> LambdaError:
    text = f"Function not found: {arn_of(reference, place)}"
    return LambdaError(404, "ResourceNotFoundException", text, message="Message")


def _too_large(size: int) -> LambdaError:
    text = f"Request must be smaller than {MAX_PAYLOAD} bytes for the InvokeFunction operation"
    return LambdaError(413, "RequestTooLargeException", text)


def _too_large_event(size: int) -> LambdaError:
    """Another code than that of a synchronous one: github.com/ASFHyP3/hyp3/issues/2241."""
    text = (
        f"{size} byte payload is too large for the Event invocation type (limit "
        f"{ASYNCHRONOUS_BYTES} bytes)"
    )
    return LambdaError(413, "RequestEntityTooLargeException", text)


def _unsupported(what: str) -> LambdaError:
    text = f"the emulator does not support {what}"
    return LambdaError(400, "InvalidParameterValueException", text)


def _headers(request_id: str = "") -> dict[str, str]:
    return {"x-amzn-RequestId": request_id or str(uuid.uuid4())}
