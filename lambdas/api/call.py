"""Types of the REST API: a Call to an endpoint, the Response that it returns, a Route."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lambdas.errors import bad_request, not_found
from lambdas.frames import Frame
from lambdas.settings import Aws

DEVICE = re.compile(r"[A-Za-z0-9_-]{1,64}")
USER = re.compile(r"[a-z0-9_]{3,32}")
CHAT = re.compile(r"[A-Za-z0-9_-]{1,64}")
NUMBER = re.compile(r"[0-9]{1,12}")


class SignIn(NamedTuple):
    """The author of a request: the user, and the sign-in that the access token belongs to.

    `id` is the same in all tokens of one sign-in, `at` its time in epoch seconds.
    """

    user: str
    id: str
    at: float
    access_token: str


@dataclass(frozen=True)
class Call:
    """One request, authenticated and validated. `sign_in` is None on an open route."""

    aws: Aws
    served_by: str  # <pool>/<instance>
    sign_in: SignIn | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Frame
    address: str = ""  # the client's, as the load balancer saw it
    came_at: float = 0.0  # epoch seconds; before the sign-in was checked

    @property
    def user(self) -> str:
        """The user who asks; not on an open route."""
        return self.by.user

    @property
    def by(self) -> SignIn:
        if self.sign_in is None:
            raise LookupError("an open route has no user")
        return self.sign_in

    @property
    def device(self) -> str:
        """The device in the path; one of the caller's, registered or not."""
        return device_name(self.path["device"])

    @property
    def chat(self) -> str:
        chat = self.path["chat"]
        if not CHAT.fullmatch(chat):
            raise not_found("there is no such chat")
        return chat

    def number(self, name: str, default: int, least: int = 0) -> int:
        """A query parameter. Raises ChatError bad_request."""
        text = self.query.get(name)
        if text is None:
            return default
        if not NUMBER.fullmatch(text) or int(text) < least:
            raise bad_request(f"{name} is a whole number from {least} on, of at most 12 digits")
        return int(text)


class Response(NamedTuple):
    status: int
    body: Frame | None = None


class Route(NamedTuple):
    """`body` names the schema rest/<body>.request.json; open routes need no access token.

    `blocking` endpoints run in a thread, the others in the event loop.
    """

    method: str
    path: str
    endpoint: Callable[[Call], Response]
    body: str = ""
    open: bool = False
    blocking: bool = True


def device_name(text: str) -> str:
    if not DEVICE.fullmatch(text):
        raise bad_request("a device is named by 1 to 64 letters, digits, _ and -")
    return text
