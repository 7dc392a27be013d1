"""API Gateway's connections, and its management API as the functions call it."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from lambdas.connections import Outcome, Post
from lambdas.frames import Frame, decode, encode


class Socket:
    """A connection as API Gateway has it. One whose client is gone without a word is a zombie."""

    def __init__(self, connection_id: str, user: str, device: str) -> None:
        self.connection_id = connection_id
        self.user = user
        self.device = device
        self.state = "opening"  # open, closed
        self.client_is_there = True
        self.opened_at = 0.0
        self.inbox: deque[Frame] = deque()

    @property
    def address(self) -> str:
        return f"{self.user}/{self.device}"


class Gateway:
    """The @connections API. `on_post` is called with each frame that gets through."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.on_post: Callable[[Socket, Frame], None] = lambda _socket, _frame: None

    def post_all(self, posts: Sequence[Post], within: float = 0) -> list[Outcome]:
        return [self._post(post) for post in posts]

    def _post(self, post: Post) -> Outcome:
        self._world.before_call(f"post to {post.connection_id}")
        socket = self._world.sockets.get(post.connection_id)
        if socket is None or socket.state != "open":
            opening = socket is not None and socket.state == "opening"
            self._world.drawn["a post: 410 while it opens"] += opening
            return Outcome.GONE
        fault = self._world.random.choice(["lost", "unanswered"])
        failed = self._world.chance(0.05)
        if failed:
            self._world.say(f"      {fault}")
            self._world.drawn[f"a post: {fault}"] += 1
        if failed and fault == "lost":
            return Outcome.FAILED
        frame = decode(post.frame if isinstance(post.frame, str) else encode(post.frame))
        self.on_post(socket, frame)
        if socket.client_is_there:
            socket.inbox.append(frame)
        return Outcome.FAILED if failed else Outcome.DELIVERED

    def close(self, connection_id: str) -> Outcome:
        self._world.before_call(f"close {connection_id}")
        if self._world.fault("a close that fails", 0.05):
            self._world.say("      lost")
            return Outcome.FAILED
        socket = self._world.sockets.get(connection_id)
        if socket is None or socket.state == "closed":
            return Outcome.GONE
        if socket.state == "opening":
            return Outcome.GONE  # as for a post
        self._world.on_close(socket)
        socket.state = "closed"
        return Outcome.DELIVERED
