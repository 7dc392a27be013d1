"""One request and its answer: what a client's connection and what answers it say to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.balancer.wire.pages import OwnAnswer, error_page

if TYPE_CHECKING:
    from emulator.balancer.targets.target_group import Target
    from emulator.balancer.wire.client import ClientConnection
    from emulator.balancer.wire.head import Head

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange:
    """What a client's connection tells of its request, and of itself; an heir takes what it has a
    use for. Whatever happens, it calls `ClientConnection.answered` once, or aborts the connection.
    """

    __slots__ = ()

    def start(self) -> None:
        """Its turn has come: the requests before it are answered."""
        raise NotImplementedError  # each heir has its own; the rest may do without

    def idle(self) -> None:
        """Nothing was sent or received for the idle timeout."""
        raise NotImplementedError  # each heir has its own; the rest may do without

    def body(self, data: bytes) -> None:
        """A piece of the request."""

    def end(self) -> None:
        """The request is whole."""

    def flush(self) -> None:
        """No more of the request for now."""

    def spoilt(self, status: int) -> None:
        """The rest of the request won't come, as the client is at fault with `status`."""

    def client_left(self) -> None:
        """Its connection is lost."""

    def client_full(self) -> None:
        """The client doesn't read what it gets; `client_ready` follows."""

    def client_ready(self) -> None:
        """The client reads again."""

    def removed(self, target: Target) -> None:
        """The target was taken out, its deregistration delay over."""


class Answered(Exchange):
    """A request that the load balancer answers itself; the rest of it is thrown away."""

    def __init__(
        self, connection: ClientConnection, head: Head | None, answer: OwnAnswer, closes: bool
    ) -> None:
        self._connection = connection
        self._head = head
        self._answer = answer
        self._closes = closes

    def start(self) -> None:
        if self._head is not None and self._head.expects_continue and not self._closes:
            self._connection.write(CONTINUE)
        self._connection.answer(self._answer, self._head, closes=self._closes)

    def idle(self) -> None:
        self._connection.abort()


def refusal(connection: ClientConnection, status: int) -> Answered:
    """After it the connection is closed: where the next request begins isn't known."""
    return Answered(connection, None, error_page(status), closes=True)
