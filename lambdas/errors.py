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


class ChatError(Exception):
    """An error for the client: `code` is one of STATUS, `message` one plain sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS[self.code]


def bad_request(message: str) -> ChatError:
    return ChatError("bad_request", message)


def not_found(message: str) -> ChatError:
    """Also for an object that is not the caller's, so that nobody learns that it exists."""
    return ChatError("not_found", message)


def rate_limited() -> ChatError:
    """AWS, or one of our limits, was asked too much at once."""
    return ChatError("rate_limited", "too many requests at once; try again in a moment")


def internal() -> ChatError:
    """What a client sees of any error on our side; the log has the details."""
    return ChatError("internal", "something went wrong on our side; try again")
