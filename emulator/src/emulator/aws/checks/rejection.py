"""A request that AWS rejects. The file has one small class, which all the checks raise."""

from __future__ import annotations


class Rejection(Exception):
    """`code` is AWS's name of the error, the text its message."""

    def __init__(self, message: str, code: str = "ValidationException") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
