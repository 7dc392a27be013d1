"""A runtime client in place of awslambdaric, where there are no wheels of it (outside Linux).

A program of its own, run with nothing but the standard library: it speaks the Runtime API as
AWS's client does and gives the same error documents. `python own_runtime.py <handler>`.
Source: Lambda developer guide, "Using the Lambda runtime API"; awslambdaric 4's bootstrap.
"""

from __future__ import annotations

import decimal
import http.client
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

_PREFIX = "/2018-06-01/runtime"

Handler = Callable[[Any, Any], Any]


class RuntimeFault(Exception):
    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class Context:
    """The context that a handler gets beside its event; the names are awslambdaric's."""

    def __init__(self, request_id: str, deadline_ms: int, arn: str | None) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = None
        self.tenant_id = None
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


def main(name: str) -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load(name)
    except BaseException as error:
        document = document_of(error)
        print(f"[ERROR] {document['errorType']}: {document['errorMessage']}")
        _post(api, "/init/error", json.dumps(document).encode(), document["errorType"])
        sys.exit(1)
    while True:
        serve_one(api, handler)


def serve_one(api: http.client.HTTPConnection, handler: Handler) -> None:
    api.request("GET", f"{_PREFIX}/invocation/next")
    invocation = api.getresponse()
    event, headers = invocation.read(), invocation.headers
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
    context = Context(
        request_id,
        int(headers["Lambda-Runtime-Deadline-Ms"]),
        headers.get("Lambda-Runtime-Invoked-Function-Arn"),
    )
    try:
        response = encode(handler(json.loads(event), context))
    except Exception as error:
        document = document_of(error) | {"requestId": request_id}
        print(f"[ERROR] {document['errorType']}: {document['errorMessage']}")
        print("".join(document["stackTrace"]), end="")
        body = json.dumps(document).encode()
        _post(api, f"/invocation/{request_id}/error", body, document["errorType"])
    else:
        _post(api, f"/invocation/{request_id}/response", response)


def load(name: str) -> Handler:
    """Import `package.module.function`; raises RuntimeFault as awslambdaric names it."""
    module, _, function = name.rpartition(".")
    if not module:
        raise RuntimeFault("Runtime.MalformedHandlerName", f"Bad handler '{name}'")
    try:
        imported = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise RuntimeFault(
            "Runtime.ImportModuleError", f"Unable to import module '{module}': {error}"
        ) from error
    except SyntaxError as error:
        raise RuntimeFault(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}"
        ) from error
    handler: Handler | None = getattr(imported, function, None)
    if handler is None:
        raise RuntimeFault(
            "Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module}'"
        )
    return handler


def encode(result: object) -> bytes:
    if isinstance(result, bytes):
        return result
    try:
        return json.dumps(result, default=_number).encode()
    except (TypeError, ValueError) as error:
        raise RuntimeFault(
            "Runtime.MarshalError", f"Unable to marshal response: {error}"
        ) from error


def document_of(error: BaseException) -> dict[str, Any]:
    """`stackTrace` starts at the handler's own frame."""
    if isinstance(error, RuntimeFault):
        return {"errorMessage": str(error), "errorType": error.error_type, "stackTrace": []}
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__
    ]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_list(frames),
    }


def _number(value: object) -> object:
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _post(
    api: http.client.HTTPConnection, path: str, body: bytes, error_type: str | None = None
) -> None:
    headers = {"Content-Type": "application/json"}
    if error_type is not None:
        headers["Lambda-Runtime-Function-Error-Type"] = error_type
    api.request("POST", _PREFIX + path, body, headers)
    api.getresponse().read()


if __name__ == "__main__":
    main(sys.argv[1])
