"""A request that AWS rejects: the exceptions that the checks raise."""

from __future__ import annotations

from collections.abc import Sequence


class Rejection(Exception):
    """`code` is AWS's name of the error, the text its message."""

    def __init__(self, message: str, code: str = "ValidationException") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Unfit(Rejection):
    """A key that is missing or of another type than the table or the index has. In a transaction
    it is a reason to cancel, while an empty one rejects the request, as
    github.com/paritysuite/dynamodb-conformance/pull/46 has recorded of the service."""


class Canceled(Rejection):
    """A transaction, for the reasons of its actions; None for one that has none."""

    def __init__(self, reasons: Sequence[Unfit | None]) -> None:
        codes = ", ".join("ValidationError" if each else "None" for each in reasons)
        super().__init__(
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
            f"[{codes}]",
            "TransactionCanceledException",
        )
        self.reasons = [
            {"Code": "ValidationError", "Message": each.message} if each else {"Code": "None"}
            for each in reasons
        ]
