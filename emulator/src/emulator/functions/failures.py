"""Error documents as Lambda gives them. Source: Lambda developer guide, "Understanding retry
behavior", "Troubleshoot invocation issues"; the texts are those of the service."""

from __future__ import annotations

import json

from emulator.providers import InvokeResult

MAX_PAYLOAD = 6 * 1024 * 1024  # bytes, of a synchronous invocation's event and of its response


def failure(error_type: str, message: str) -> InvokeResult:
    document = {"errorType": error_type, "errorMessage": message}
    return InvokeResult(json.dumps(document).encode(), True)


def timed_out(request_id: str, seconds: float) -> InvokeResult:
    return failure(
        "Sandbox.Timedout",
        f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
    )


def exited(request_id: str, status: int) -> InvokeResult:
    reason = f"exit status {status}" if status >= 0 else f"signal: {-status}"
    return failure(
        "Runtime.ExitError",
        f"RequestId: {request_id} Error: Runtime exited with error: {reason}",
    )


def response_too_large(size: int) -> InvokeResult:
    return failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
        f"({MAX_PAYLOAD} bytes).",
    )


def event_too_large(size: int) -> InvokeResult:
    return failure(
        "RequestTooLargeException",
        f"{size} byte payload is too large for a synchronous invocation "
        f"(limit {MAX_PAYLOAD} bytes)",
    )
