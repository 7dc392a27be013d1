"""A push service of browsers, over HTTP: what it was sent, and what it responds with."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.http_server import QuietHandler, serving
from tests.support.lambdas.browser import Browser


class Received(NamedTuple):
    headers: dict[str, str]
    body: bytes


class PushService:
    """`status` is what it responds with from now on; `received` is by the path of an endpoint."""

    def __init__(self) -> None:
        self.status = 201
        self.received: dict[str, list[Received]] = {}
        service = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if service.status < 300:
                    service.received.setdefault(self.path, []).append(Received(headers, body))
                self.send_response(service.status)
                self.send_header("Location", f"{service.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._browsers = 0

    def browser(self) -> Browser:
        """One more, with a subscription here. Some push services name theirs in a query."""
        self._browsers += 1
        return Browser(f"{self.url}/push?token={self._browsers}")

    def read(self, browser: Browser) -> list[Any]:
        """What the browser reads of its pushes."""
        path = browser.subscription.endpoint.removeprefix(self.url)
        return [json.loads(browser.open(each.body)) for each in self.received.get(path, [])]


@contextmanager
def push_service() -> Iterator[PushService]:
    service = PushService()
    with serving(service.server):
        yield service
