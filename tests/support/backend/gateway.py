"""API Gateway's WebSocket API in memory: connections, and the @connections API that posts to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lambdas.connections import Outcome, Post
from lambdas.frames import Frame, decode, encode
from tests.support.backend.faults import Faults

# docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
FRAME_LIMIT = 32 * 1024
TOO_LARGE = 1009


class Connection:
    """A WebSocket as API Gateway has it: `opening` while $connect runs, then `open`, `closed`.

    `post` gets each frame for the client. `ended` is called once when the backend closes the
    connection, with the close code.
    """

    def __init__(
        self, id_: str, post: Callable[[Frame], None], ended: Callable[[int], None]
    ) -> None:
        self.id = id_
        self.user = self.device = ""  # until the authorizer has said who it is
        self.state = "opening"
        self.opened_at = 0.0
        self.post = post
        self.ended = ended


class Gateway:
    """All connections by id; `lambdas.connections.Connections` for the functions.

    `closing` is called with a connection that a function closes, so that $disconnect follows.
    """

    def __init__(
        self,
        faults: Faults,
        before_call: Callable[[str], None],
        closing: Callable[[Connection], None],
    ) -> None:
        self._faults = faults
        self._before_call = before_call
        self._closing = closing
        self.connections: dict[str, Connection] = {}

    def post_all(self, posts: Sequence[Post], within: float = 0) -> list[Outcome]:
        return [self.post(post) for post in posts]

    def post(self, post: Post) -> Outcome:
        self._before_call("post")
        connection = self.connections.get(post.connection_id)
        if connection is None or connection.state != "open":
            return Outcome.GONE  # also while it is opening
        text = post.frame if isinstance(post.frame, str) else encode(post.frame)
        self.to_client(connection, decode(text))
        return Outcome.DELIVERED

    def close(self, connection_id: str) -> Outcome:
        self._before_call("close")
        connection = self.connections.get(connection_id)
        if connection is None or connection.state == "closed":
            return Outcome.GONE
        self._closing(connection)
        return Outcome.DELIVERED

    def to_client(self, connection: Connection, frame: Frame) -> None:
        """On its way to the client, past the faults."""
        for shaped in self._faults.to_client(connection.user, frame):
            connection.post(shaped)
