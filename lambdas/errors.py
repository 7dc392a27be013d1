"""Errors that clients can see: each is a ChatError with a code of the protocol."""

STATUS = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "rate_limited": 429,
    "internal": 500,
}
# For a limit that names no time of its own, such as AWS's throttling.
RETRY_AFTER_SECONDS = 1.0


class ChatError(Exception):
    """An error for the client: `code` is one of STATUS, `message` one plain sentence.

    `retry_after` (seconds) goes with `rate_limited`: asking sooner gets the same error.
    """

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        if code == "rate_limited" and retry_after is None:
            retry_after = RETRY_AFTER_SECONDS
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS[self.code]


class LeaseLost(ChatError):
    """The caller's connection does not hold the lease of its device (any more): it is closed."""


def bad_request(message: str) -> ChatError:
    return ChatError("bad_request", message)


def not_found(message: str) -> ChatError:
    """Also for an object that is not the caller's, so that nobody learns that it exists."""
    return ChatError("not_found", message)


def forbidden(message: str) -> ChatError:
    return ChatError("forbidden", message)


def disabled() -> ChatError:
    """An operator has disabled the account of who asks."""
    return forbidden("this account is disabled")


def rate_limited() -> ChatError:
    """AWS, or one of our limits, was asked too much at once."""
    return ChatError("rate_limited", "too many requests at once; try again in a moment")


def internal() -> ChatError:
    """What a client sees of any error on our side; the log has the details."""
    return ChatError("internal", "something went wrong on our side; try again")
