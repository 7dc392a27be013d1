"""Faults of a backend in memory: false, lost and failed frames, responses and calls.

The handlers know nothing of it: it stands between them and the clients, and between them and AWS.
Each field is a plain function that a test replaces; the defaults change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lambdas.frames import Frame

Body = Any  # of JSON


class Request(NamedTuple):
    """A REST request; `user` is "" without a good access token."""

    method: str
    path: str
    user: str
    body: Body

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


class Response(NamedTuple):
    status: int
    body: Body = None


def error(status: int, code: str, message: str) -> Response:
    """The error response of the REST API."""
    return Response(status, {"error": {"code": code, "message": message}})


@dataclass
class Faults:
    """The functions get the user whose client it is.

    `to_client` gives the frames that reach a client instead of one; API Gateway says that it was
    delivered. `from_client` False: the frame is read, and no function is called. `responds` gives a
    response instead of the truth. `failing` are the statuses of the next REST requests, whose
    functions are not called. `may_claim(claimer, "user/device")` False: a claim is over the limit.
    `before_call` is called with each operation in front of a call to AWS (`put_item`, `publish`,
    `post`) and may raise what boto3 would.
    """

    to_client: Callable[[str, Frame], list[Frame]] = lambda user, frame: [frame]
    from_client: Callable[[str, Frame], bool] = lambda user, frame: True
    responds: Callable[[Request, Response], Response] = lambda request, truth: truth
    may_claim: Callable[[str, str], bool] = lambda claimer, address: True
    before_call: Callable[[str], None] = lambda operation: None
    failing: list[int] = field(default_factory=list)

    def lose(self, *types: str) -> None:
        """Frames of these types reach nobody."""
        self.to_client = lambda user, frame: [] if frame.get("type") in types else [frame]

    def lose_nothing(self) -> None:
        self.to_client = lambda user, frame: [frame]
