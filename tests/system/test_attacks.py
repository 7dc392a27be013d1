"""What needs the running system to be attacked: tickets raced for, pages that reach its listeners."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from client import ChatClient
from tests.support.running_system import WITHIN
from tools.processes import processes

pytestmark = pytest.mark.xdist_group("story")

PASSWORD = "Correct-horse-7"
LISTENS = "0A"  # the state in /proc/net/tcp
AT_ONCE = 50

# What a page on evil.example makes a browser send: by its own name, or after its name was made to
# lead here (DNS rebinding). The last two need no preflight and no leave of the server.
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "chat.v1",
}
FOREIGN: dict[str, tuple[str, dict[str, str]]] = {
    "a rebound name": ("GET", {"Host": "evil.example"}),
    "a rebound name that looks like ours": ("GET", {"Host": "127.0.0.1.evil.example"}),
    "a rebound name, a form": ("POST", {"Host": "evil.example", "Content-Type": "text/plain"}),
    "a foreign form": ("POST", {"Origin": "http://evil.example", "Content-Type": "text/plain"}),
    "a form from a sandbox": ("POST", {"Origin": "null", "Content-Type": "text/plain"}),
    "a foreign WebSocket": ("GET", {"Origin": "http://evil.example", **UPGRADE}),
    "a preflight": (
        "OPTIONS",
        {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"},
    ),
}
REJECTED = {"400", "403", "405", "426"}
TARGET = "lambdas.api.server"
PATHS = ("/", "/_local/state", "/_local/data/open", "/moto-api/data.json", "/api/health", "/dev")


def listeners(root: int) -> dict[int, tuple[str, str]]:
    """port -> inode of the socket and the command lines of those that hold it, of all that a
    process and its descendants listen on. A child process has its parent's until it executes."""
    ports = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        if state == LISTENS:
            ports[inode] = int(local.rpartition(":")[2], 16)
    found: dict[int, tuple[str, str]] = {}
    for pid in processes(root):
        with suppress(OSError):  # it has ended
            command = Path(f"/proc/{pid}/cmdline").read_text()
            for descriptor in list(Path(f"/proc/{pid}/fd").iterdir()):
                with suppress(OSError):
                    inode = str(descriptor.readlink()).partition("[")[2].rstrip("]")
                    if inode in ports:
                        _, others = found.get(ports[inode], (inode, ""))
                        found[ports[inode]] = (inode, f"{others} {command}")
    return found


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="finds listening ports in /proc, which only Linux has; CI is Linux",
)
def test_no_page_of_a_stranger_reaches_anything_that_listens(endpoints: dict[str, Any]) -> None:
    ports = listeners(endpoints["pid"])
    urls = [each for each in endpoints.values() if isinstance(each, str) and "://" in each]
    known = {urlsplit(url).port for url in urls}

    async def tried() -> dict[int, set[tuple[str, str, str]]]:
        reached: dict[int, set[tuple[str, str, str]]] = {port: set() for port in ports}
        for port in ports:
            for name, (method, headers) in FOREIGN.items():
                for path in PATHS:
                    line = await _status_line(port, method, path, headers)
                    if line.startswith("HTTP/") and line.split()[1] not in REJECTED:
                        reached[port].add((name, path, line.split()[1]))
        return reached

    reached = asyncio.run(tried())
    after = listeners(endpoints["pid"])
    # a worker may have ended meanwhile, and its port be another's
    stayed = [port for port in ports if port in after and ports[port][0] == after[port][0]]
    assert known <= set(stayed)
    for port in stayed:
        _, command = after[port]
        if TARGET in command:
            # The application itself, as a load balancer finds it. It can't know its names, and gives
            # no more than the page to who has no token: a page that finds its port could create
            # accounts.
            public = {"/", "/api/health"}
            assert {path for _, path, status in reached[port] if status == "200"} <= public
        else:
            assert reached[port] == set(), (port, command)


async def _status_line(port: int, method: str, path: str, headers: dict[str, str]) -> str:
    fields = {"Host": f"127.0.0.1:{port}", "Content-Length": "0", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())
            line = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return ""
    return line.decode("latin-1").strip()


@pytest.mark.deep
def test_of_fifty_connections_with_one_ticket_one_opens(
    endpoints: dict[str, Any], name: Callable[[str], str], device: Callable[..., ChatClient]
) -> None:
    user = name("ravi")

    async def scene() -> Counter[int]:
        async with device(user):
            pass
        made = await asyncio.to_thread(_ticket, endpoints["api"], user)
        offered = [Subprotocol("chat.v1"), Subprotocol(f"ticket.{made['ticket']}")]

        async def opens() -> int:
            try:
                async with connect(made["url"], subprotocols=offered, open_timeout=WITHIN):
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code

        return Counter(await asyncio.gather(*(opens() for _ in range(AT_ONCE))))

    statuses = asyncio.run(scene())
    assert statuses.keys() <= {101, 403, 500}  # the last: a busy machine's authorizer had no time
    assert statuses[101] <= 1 and statuses[403] > 0
    assert statuses[101] == 1 or statuses[500]


def _ticket(api: str, user: str) -> dict[str, str]:
    with httpx.Client(base_url=api, timeout=WITHIN, trust_env=False) as http:
        response = http.post("/api/sign-in", json={"username": user, "password": PASSWORD})
        token = response.raise_for_status().json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        made = http.post("/api/tickets", json={"device": "phone"}, headers=headers)
        ticket: dict[str, str] = made.raise_for_status().json()
        return ticket
