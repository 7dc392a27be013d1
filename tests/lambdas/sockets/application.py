"""The application of a task by ASGI's messages alone, over handlers that a test writes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdas.connections import Outcome, sign
from lambdas.post_key import PostKey
from lambdas.sockets.app import Sockets, Task
from lambdas.sockets.direct import PATH
from lambdas.sockets.events import Connected, Upgrade
from lambdas.sockets.held import Held, Registry
from lambdas.sockets.ids import RANDOM_BYTES, Holder, new_id
from lambdas.sockets.routes import Opening
from tests.lambdas.sockets.scene import PROTOCOL, SECRET, until

OWN = Holder("10.0.0.1", 8090)
ELSEWHERE = new_id(Holder("10.0.0.2", 8090), b"x" * RANDOM_BYTES)
NOW = 1_800_000_000.0
THREADS = 20


class Handlers:
    """As Dispatcher: `opens` gives the status of an upgrade, `answers` the response to a frame."""

    def __init__(self) -> None:
        self.opens: Callable[[], int] = lambda: 200
        self.answers: Callable[[str], str | None] = lambda frame: f"{frame}!"
        self.opened: list[tuple[Connected, Upgrade]] = []
        self.ended: list[tuple[int, str]] = []

    def open(self, connected: Connected, upgrade: Upgrade) -> Opening:
        self.opened.append((connected, upgrade))
        return Opening(self.opens(), connected, PROTOCOL)

    def message(self, _connected: Connected, frame: str) -> str | None:
        return self.answers(frame)

    def disconnect(self, _connected: Connected, code: int, reason: str) -> None:
        self.ended.append((code, reason))


class Elsewhere:
    """The sockets of other tasks."""

    def __init__(self) -> None:
        self.outcome = Outcome.DELIVERED
        self.asked: list[tuple[str, str, bytes]] = []

    def _request(self, method: str, connection_id: str, body: bytes) -> Outcome:
        self.asked.append((method, connection_id, body))
        return self.outcome


class Application:
    """One task's, in the running event loop."""

    def __init__(
        self,
        most: int = 100,
        random: Callable[[int], bytes] = secrets.token_bytes,
        key: PostKey | None = None,
    ) -> None:
        self.handlers, self.elsewhere = Handlers(), Elsewhere()
        self.threads = ThreadPoolExecutor(THREADS)
        task = Task(
            own=OWN,
            key=key or PostKey(lambda _: SECRET),
            region="us-east-1",
            most=most,
            threads=self.threads,
            now=lambda: NOW,
            random=random,
        )
        handlers: Any = self.handlers
        elsewhere: Any = self.elsewhere
        self.sockets = Sockets(task, Registry(), handlers, lambda: elsewhere)

    def held(self) -> list[Held]:
        return list(self.sockets.registry)

    async def post(
        self,
        *parts: bytes,
        method: str = "POST",
        secret: str = SECRET,
    ) -> int:
        """The status of a signed request, for another task, whose body comes in these parts."""
        path = f"{PATH}/@connections/{ELSEWHERE}"
        headers = sign(
            method=method,
            host="task",
            path=path,
            body=b"".join(parts),
            region="us-east-1",
            credentials=("sockets", secret, None),
            now=NOW,
        )
        wire = [(name.encode(), value.encode()) for name, value in headers.items()]
        return await self._request(method, path, wire, parts)

    async def get(self, path: str) -> int:
        """The status of a request without a signature."""
        return await self._request("GET", path, [], ())

    async def _request(
        self, method: str, path: str, headers: list[tuple[bytes, bytes]], parts: Sequence[bytes]
    ) -> int:
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
        body = iter([{"body": part, "more_body": True} for part in parts] + [{"body": b""}])
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", **next(body)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.sockets({**scope, "headers": headers}, receive, send)
        return int(sent[0]["status"])


class Client:
    """One that asks for an upgrade at once."""

    def __init__(
        self,
        application: Application,
        path: str = PATH,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        self.received: list[Any] = []
        self.has_left = False
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": path,
            "headers": headers,
            "client": ("10.0.0.9", 1),
            "extensions": {},
        }
        self.served = asyncio.create_task(application.sockets(scope, self._said.get, self._send))

    async def _send(self, message: Any) -> None:
        if self.has_left:
            raise OSError
        self.received.append(message)

    @property
    def status(self) -> int | None:
        """Of the response to the upgrade; None before it."""
        first = self.received[0] if self.received else {"status": None}
        return 101 if first.get("type") == "websocket.accept" else first["status"]

    async def answered(self) -> int:
        await until(lambda: self.received)
        return self.status or 0

    def texts(self) -> list[str]:
        return [each["text"] for each in self.received if each["type"] == "websocket.send"]

    def sends(self, *texts: str | None) -> None:
        """None is a frame of bytes."""
        for text in texts:
            frame = {"bytes": b"x"} if text is None else {"text": text}
            self._said.put_nowait({"type": "websocket.receive", **frame})

    async def leaves(self) -> None:
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1001, "reason": "over"})
        await self.served
