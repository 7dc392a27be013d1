"""What the console says no with."""

from __future__ import annotations


class Refusal(Exception):
    """Answered as `{"error": {"code", "message"}}` with `status`; the page shows the message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> Refusal:
    return Refusal(400, "bad_request", message)
