"""Error documents as Lambda gives them. Source: Lambda developer guide, "Understanding retry
behavior", "Troubleshoot invocation issues"; the texts are those of the service."""

from __future__ import annotations

import json
import signal

from emulator.providers import InvokeResult

MAX_PAYLOAD = 6 * 1024 * 1024  # bytes, of a synchronous invocation's event
MAX_RESPONSE = 6_291_556  # as the service's own message has it
# Go's names, as Lambda shows them; any other is "signal <number>".
_SIGNALS: dict[int, str] = {
    signal.SIGABRT: "aborted",
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGTERM: "terminated",
}


def failure(error_type: str, message: str) -> InvokeResult:
    document = {"errorType": error_type, "errorMessage": message}
    return InvokeResult(json.dumps(document).encode(), True)


def timed_out(request_id: str, seconds: float) -> InvokeResult:
    return failure(
        "Sandbox.Timedout",
        f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
    )


def exited(request_id: str, status: int) -> InvokeResult:
    return failure("Runtime.ExitError", f"RequestId: {request_id} Error: {_how(status)}")


def exited_at_start(status: int) -> InvokeResult:
    return failure("Runtime.ExitError", f"Error: {_how(status)}")


def _how(status: int) -> str:
    """A status below 0 is a signal's number."""
    if status == 0:
        return "Runtime exited without providing a reason"
    name = "" if status > 0 else _SIGNALS.get(-status, f"signal {-status}")
    reason = f"signal: {name}" if name else f"exit status {status}"
    return f"Runtime exited with error: {reason}"


def response_too_large(size: int) -> InvokeResult:
    return failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
        f"({MAX_RESPONSE} bytes).",
    )


def event_too_large(size: int) -> InvokeResult:
    return failure(
        "RequestTooLargeException",
        f"{size} byte payload is too large for a synchronous invocation "
        f"(limit {MAX_PAYLOAD} bytes)",
    )
