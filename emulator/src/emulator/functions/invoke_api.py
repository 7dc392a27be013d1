"""Lambda's operation Invoke, over HTTP, for what runs here: the AWS server passes calls on to it.

Synchronous and asynchronous invocations, and dry runs. Source: the API reference of "Invoke"
(2015-03-31), docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import unquote

from aiohttp import web

from emulator import strict_json
from emulator.functions import log_tail
from emulator.functions.failures import MAX_PAYLOAD
from emulator.functions.functions import Functions
from emulator.functions.model import arn_of, qualified
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
# As the service's own message has it.
_NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?"
    r"(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_NAME = re.compile(_NAME_PATTERN)
_LONGEST_NAME = 256  # characters of a name, a partial or a whole ARN
_QUALIFIERS = re.compile(r"\$LATEST\.PUBLISHED|[a-zA-Z0-9$_-]{1,128}")
_REGION, _ACCOUNT, _QUALIFIER = 3, 9, 13  # groups of the pattern
Describe = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


Submit = Callable[[str, bytes, str], None]


class ApiError(NamedTuple):
    """An error of the API. `message` is the name of the error's field: the service spells it in two
    ways."""

    status: int
    code: str
    text: str | None
    message: str = "message"
    reason: str | None = None


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
                return _failed(_out_of_bounds(member, value, rule))
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
            return _failed(ApiError(400, "InvalidRequestContentException", text))
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
                ApiError(429, "TooManyRequestsException", "Rate Exceeded.", reason=reason)
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


def _failed(error: ApiError) -> web.Response:
    document = {"Type": "User", error.message: error.text}
    if error.reason:
        document["Reason"] = error.reason
    return web.Response(
        status=error.status,
        text=json.dumps(document),
        headers=_headers() | {"x-amzn-ErrorType": error.code},
        content_type="application/json",
    )


def misnamed(reference: str, qualifier: str | None, place: Place) -> ApiError | None:
    """The errors of names that no function has, as LocalStack has recorded them."""
    found = _NAME.fullmatch(reference)
    if found is None:
        rule = f"satisfy regular expression pattern: {_NAME_PATTERN}"
        return _out_of_bounds("functionName", reference, rule)
    if len(reference) > _LONGEST_NAME:
        rule = f"have length less than or equal to {_LONGEST_NAME}"
        return _out_of_bounds("functionName", reference, rule)
    if qualifier is not None and not _QUALIFIERS.fullmatch(qualifier):
        rule = f"satisfy regular expression pattern: {_QUALIFIERS.pattern}"
        return _out_of_bounds("qualifier", qualifier, rule)
    region, account = found[_REGION], found[_ACCOUNT]
    if region and region.rstrip(":") != place.region:
        text = (
            f"Functions from '{region.rstrip(':')}' are not reachable in this region "
            f"('{place.region}')"
        )
        return ApiError(404, "ResourceNotFoundException", text, message="Message")
    if account and account.rstrip(":") != place.account:
        return ApiError(403, "AccessDeniedException", None, message="Message")
    if qualifier and found[_QUALIFIER] not in (None, qualifier):
        text = (
            "The derived qualifier from the function name does not match the specified qualifier."
        )
        return ApiError(400, "InvalidParameterValueException", text)
    return None


def _out_of_bounds(member: str, value: str, rule: str) -> ApiError:
    text = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy"
    return ApiError(400, "ValidationException", f"{text} constraint: Member must {rule}")


def _not_found(reference: str, place: Place) -> ApiError:
    text = f"Function not found: {arn_of(reference, place)}"
    return ApiError(404, "ResourceNotFoundException", text, message="Message")


def _too_large(size: int) -> ApiError:
    text = f"Request must be smaller than {MAX_PAYLOAD} bytes for the InvokeFunction operation"
    return ApiError(413, "RequestTooLargeException", text)


def _too_large_event(size: int) -> ApiError:
    """Another code than that of a synchronous one: github.com/ASFHyP3/hyp3/issues/2241."""
    text = (
        f"{size} byte payload is too large for the Event invocation type (limit "
        f"{ASYNCHRONOUS_BYTES} bytes)"
    )
    return ApiError(413, "RequestEntityTooLargeException", text)


def _unsupported(what: str) -> ApiError:
    text = f"the emulator does not support {what}"
    return ApiError(400, "InvalidParameterValueException", text)


def _headers(request_id: str = "") -> dict[str, str]:
    return {"x-amzn-RequestId": request_id or str(uuid.uuid4())}
