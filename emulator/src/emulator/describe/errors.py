"""The errors of describing calls: AWS's own, and that of what is not served here. Each view raises
them, and the API makes responses of them."""

from __future__ import annotations


class CallError(Exception):
    """AWS's error for a call: its code, its text and its HTTP status, which the service's model or
    API reference has."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Unsupported(Exception):
    """What the emulator does not serve; the text says what."""
