"""Error responses of the console's API."""

from __future__ import annotations


class ApiError(Exception):
    """Sent as `{"error": {"code", "message"}}` with `status`; the page shows the message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> ApiError:
    return ApiError(400, "bad_request", message)
