"""The addresses of a running emulator: `.local/endpoints.json`, and the table it prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

NAME = "endpoints.json"


@dataclass(frozen=True)
class Endpoints:
    """Base URLs, and the process that listens on them."""

    env: str
    api: str
    websocket: str
    aws: str
    fcm: str
    apns: str
    console: str
    pid: int
    nlb: str | None = None
    project: str = ""  # its folder
    down: str = ""  # the command that ends it, to be typed in that folder
    page: str | None = None
    web_push: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)  # domain name -> its URL here

    def write(self, directory: Path) -> None:
        """Writes the file in one step, so that nobody reads half of it. Only its owner can read it:
        it has the token of the console."""
        directory.mkdir(parents=True, exist_ok=True)
        content = self.as_json()
        beside = directory / f".{NAME}.new"
        beside.touch(0o600)
        beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        beside.replace(directory / NAME)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    def _holder(self) -> str:
        """The component that holds the WebSockets: tasks do where the load balancer leads to
        them."""
        tasks = self.websocket.startswith(self.api.replace("http", "ws", 1))
        return "load balancer, to the tasks that hold sockets" if tasks else "API Gateway"

    def table(self) -> str:
        rows = [
            ("page", self.page, "for a browser"),
            ("HTTP API", self.api, "load balancer"),
            ("NLB", self.nlb, "same targets, by source address"),
            ("WebSocket", self.websocket, self._holder()),
            ("console", f"{self.console}/_local", "targets, queues, phones"),
            ("AWS", self.aws, "aws --endpoint-url, access key local"),
            ("FCM", self.fcm, "what Android phones received"),
            ("APNs", self.apns, "what iPhones received"),
            ("Web Push", self.web_push, "what browsers received"),
            *(("name", url, f"{name}, in a browser") for name, url in self.names.items()),
        ]
        shown = [(name, url, what) for name, url, what in rows if url]
        width = max(len(url) for _, url, _ in shown)
        return "\n".join(f"  {name:<10} {url:<{width}}  {what}" for name, url, what in shown)


def read(directory: Path) -> Endpoints | None:
    """The content of the file, whether or not the process still lives; None without a file."""
    try:
        text = (directory / NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return parsed(json.loads(text))


def parsed(document: Mapping[str, Any]) -> Endpoints:
    """The endpoints without what another version of the emulator added. Raises TypeError if a field
    lacks."""
    known = {each.name for each in fields(Endpoints)}
    return Endpoints(**{name: value for name, value in document.items() if name in known})


def remove(directory: Path) -> None:
    (directory / NAME).unlink(missing_ok=True)
