"""Receipt handles that have expired: their message is visible again, or was received again since.

A standard queue deletes such a message anyway; a FIFO queue does not, because another
receiver may have it. Nobody can change its visibility any more. Sources: SQS API reference,
ChangeMessageVisibility (MessageNotInflight) and DeleteMessage; what users of AWS report:
github.com/aws/aws-sdk-js/issues/1750, github.com/smaskalik/sqsmover/issues/54 (batches).
"""

from __future__ import annotations

from typing import Any

from moto.sqs.exceptions import InvalidParameterValue, SQSException


def has_expired(message: Any, receipt_handle: str) -> bool:
    return bool(message.visible) or message.receipt_handle != receipt_handle


class Expired(InvalidParameterValue):
    """The error of an expired receipt handle of a FIFO queue."""

    def __init__(self, receipt_handle: str) -> None:
        super().__init__(
            f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: The receipt "
            "handle has expired."
        )


class Gone(InvalidParameterValue):
    """The message was deleted."""

    def __init__(self, receipt_handle: str) -> None:
        super().__init__(
            f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: Message does "
            "not exist or is not available for visibility timeout change."
        )


class NotInFlight(SQSException):
    code = "MessageNotInflight"

    def __init__(self) -> None:
        super().__init__("The specified message isn't in flight.")


def expired(receipt_handle: str, fifo: bool) -> SQSException:
    return Expired(receipt_handle) if fifo else NotInFlight()


def of_entry(error: SQSException) -> tuple[str, str]:
    """(code, message) in a batch."""
    if isinstance(error, Expired):
        return "ReceiptHandleIsInvalid", "The receipt handle has expired"
    return str(error.code), str(error.message)
