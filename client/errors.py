"""The errors of the client, all below ClientError."""

from __future__ import annotations

# Of errors of the protocol: responses and frames.
CODES = frozenset(
    {
        "bad_request",
        "unauthorized",
        "forbidden",
        "not_found",
        "conflict",
        "too_large",
        "rate_limited",
        "internal",
    }
)


class ClientError(Exception):
    """Everything this library raises on purpose."""


class ApiError(ClientError):
    """The backend rejected a call. `code` as in the protocol, `status` the HTTP status.

    `retry_after` (seconds) is how long the backend asks to wait.
    """

    def __init__(
        self, code: str, message: str, status: int, retry_after: float | None = None
    ) -> None:
        wait = "" if retry_after is None else f", in {retry_after:g} s"
        super().__init__(f"{message} ({code}, {status}{wait})")
        self.code, self.message, self.status = code, message, status
        self.retry_after = retry_after


class BadRequest(ApiError):
    pass


class Unauthorized(ApiError):
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    pass


class Conflict(ApiError):
    pass


class TooLarge(ApiError):
    pass


class RateLimited(ApiError):
    pass


class ServerFault(ApiError):
    """A status of 500 and above, or a response that does not follow the protocol: a later try may
    succeed.
    """


class Unreachable(ClientError):
    """No response: nothing listens there, the network is gone, or it took too long."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} does not respond: {reason}")
        self.url, self.reason = url, reason


def in_words(error: BaseException) -> str:
    """Why there was no response, as a sentence for people: the libraries' own texts name calls and
    codes.
    """
    causes: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 10:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    names = {type(each).__name__ for each in (error, *causes)}
    if any(isinstance(each, TimeoutError) for each in (error, *causes)) or any(
        "Timeout" in name for name in names
    ):
        return "no response in time"
    if any(isinstance(each, ConnectionRefusedError) for each in (error, *causes)):
        return "nothing listens there"
    if names & {"ConnectError", "gaierror", "OSError"}:
        return "it can't be reached"
    return "the connection broke"


class StoreError(ClientError):
    """The file with this device's state cannot be used; the message says why."""


class StoreUnavailable(StoreError):
    """The store is locked or the disk is full. Nothing was changed; a later try may succeed."""


class Removed(ClientError):
    """Another device of the user has removed this one."""


class SignatureError(ClientError):
    """A key that another device is said to have made is not signed by it."""


class CannotVerify(ClientError):
    """No comparison is possible now; the message has the reason."""


_NOT_LINKED = {
    "no_code": "this is no code of a new device: it has 32 letters and digits",
    "expired": "this code has expired, or is none: have the new device show another one",
    "used": "somebody has used this code already: have the new device show another one",
    "false": "what came for this code does not belong to it, so the device is not linked",
    "here": "this user has a device here already",
}


class CannotLink(ClientError):
    """A device is not linked. `reason`: no_code, expired, used, false, here."""

    def __init__(self, reason: str) -> None:
        super().__init__(_NOT_LINKED[reason])
        self.reason = reason


class NotAMember(ClientError):
    """The user is no longer in the chat: what was written there can be read, nothing be added."""

    def __init__(self) -> None:
        super().__init__("you are no longer a member of this chat")


class CannotWrite(ClientError):
    """It would have no effect for others; the message says why."""


class MessageTooLarge(ClientError):
    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"a message must stay under {limit:,} bytes on the wire, this one has {size:,}; "
            "send it in parts"
        )
        self.size, self.limit = size, limit


class FileGone(ClientError):
    """Files are stored as long as messages; this one has expired, or never arrived."""

    def __init__(self) -> None:
        super().__init__("the file is no longer there")


class FileDamaged(ClientError):
    """The content is not the file that its sender encrypted: nothing of it may be shown."""

    def __init__(self) -> None:
        super().__init__("the file that came is not the one that was sent; it is not shown")


class Closed(ClientError):
    """The client is closed, displaced or signed out."""


def from_status(status: int, code: str, message: str, retry_after: float | None = None) -> ApiError:
    kinds: dict[int, type[ApiError]] = {
        400: BadRequest,
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        413: TooLarge,
        429: RateLimited,
    }
    kind = ServerFault if status >= 500 else kinds.get(status, ApiError)
    return kind(code, message, status, retry_after)
