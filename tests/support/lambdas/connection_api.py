"""API Gateway's @connections API on 127.0.0.1: records what is posted, and misbehaves on demand."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest

from lambdas import connections

Frame = dict[str, Any]

GONE = 410
HANGS = 0


PATIENCE = 600.0  # seconds


@contextmanager
def patient_posts(hanging: Callable[[], int] = int) -> Iterator[None]:
    """Meanwhile posts wait for their responses, however long they take: a machine that pauses is
    no connection that hangs. `hanging` posts get none, and are not waited for.

    A function that has less than a second left waits as long as that."""

    def answered(posts: Sequence[Future[Any]], timeout: float) -> None:
        pending = set(posts)
        if timeout < 1:
            wait(pending, timeout)
            return
        while len(pending) > hanging():
            _, pending = wait(pending, 0.02)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "wait", answered)
        patch.setattr(connections, "_left", lambda _deadline: PATIENCE)
        yield


class Request(NamedTuple):
    method: str
    connection_id: str
    body: str
    headers: dict[str, str]
    status: int = 200  # how it was answered


class ConnectionApi:
    """`answers` says how a connection id is answered: a status, or HANGS; 200 without an entry."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, int] = {}
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/dev"

    def frames(self, connection_id: str) -> list[Frame]:
        """What was posted to a connection and answered with 200, in order."""
        return [
            json.loads(request.body)
            for request in self.requests
            if request.method == "POST"
            and request.connection_id == connection_id
            and request.status == 200
        ]

    def closed(self) -> list[str]:
        """The connections that were closed from our side."""
        return [each.connection_id for each in self.requests if each.method == "DELETE"]

    def hanging(self) -> int:
        """Requests that get no response before they are released."""
        with self._lock:
            return sum(each.status == HANGS for each in self.requests)

    def clear(self) -> None:
        self.released.set()
        self.released = threading.Event()
        with self._lock:
            self.requests.clear()
        self.answers.clear()

    def record(self, request: Request) -> int:
        status = self.answers.get(request.connection_id, 200)
        with self._lock:
            self.requests.append(request._replace(status=status))
        if status == HANGS:
            self.released.wait(PATIENCE)
            return 400  # which nobody asks again
        return status

    def __enter__(self) -> "ConnectionApi":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    api: ConnectionApi


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        stage, _, connection_id = self.path.partition("/@connections/")
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = 403
        if stage == "/dev" and "execute-api/aws4_request" in headers.get("authorization", ""):
            request = Request(self.command, unquote(connection_id), body, headers)
            status = self.server.api.record(request)
        try:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()
        except OSError:
            self.close_connection = True  # the caller did not wait

    do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass
