"""An exchange is one request and its response: the interface between connection and responder."""

from __future__ import annotations

from typing import Protocol

from emulator.balancer.messages.head import Head
from emulator.balancer.messages.outgoing import OwnResponse, error_page
from emulator.balancer.targets.target_group import Target

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange:
    """The client's connection calls these methods with events of the request and of itself.

    Subclasses must implement `start` and `idle`; the other methods are optional. Every exchange
    ends with exactly one call of `ClientConnection.responded` or `abort`.

    The two raise NotImplementedError instead of being abstract: in an abstract class the linter
    (B027) rejects the optional methods, which are empty on purpose.
    """

    __slots__ = ()

    def start(self) -> None:
        """The responses to all earlier requests of the connection are written."""
        raise NotImplementedError

    def idle(self) -> None:
        """Nothing was sent or received for the idle timeout."""
        raise NotImplementedError

    def body(self, data: bytes) -> None:
        """A piece of the request."""

    def end(self) -> None:
        """The request is whole."""

    def flush(self) -> None:
        """No more of the request for now."""

    def request_failed(self, status: int) -> None:
        """The rest of the request is malformed or missing: the client's error `status`."""

    def client_left(self) -> None:
        """Its connection is lost."""

    def client_full(self) -> None:
        """The client doesn't read what it gets; `client_ready` follows."""

    def client_ready(self) -> None:
        """The client reads again."""

    def removed(self, target: Target) -> None:
        """The target is deregistered and its deregistration delay has passed."""


class Connection(Protocol):
    """What an exchange without a target needs of `ClientConnection`."""

    def write(self, data: bytes) -> None: ...

    def respond(
        self, response: OwnResponse, head: Head | None, *, closes: bool = False
    ) -> None: ...

    def abort(self) -> None: ...


class OwnResponseExchange(Exchange):
    """A request with a response of the load balancer's own; its body is discarded."""

    def __init__(
        self, connection: Connection, head: Head | None, response: OwnResponse, closes: bool
    ) -> None:
        self._connection = connection
        self._head = head
        self._response = response
        self._closes = closes

    def start(self) -> None:
        if self._head is not None and self._head.expects_continue and not self._closes:
            self._connection.write(CONTINUE)
        self._connection.respond(self._response, self._head, closes=self._closes)

    def idle(self) -> None:
        self._connection.abort()


def bad_request(connection: Connection, status: int) -> OwnResponseExchange:
    """Closes the connection, since it is not known where the next request begins."""
    return OwnResponseExchange(connection, None, error_page(status), closes=True)
