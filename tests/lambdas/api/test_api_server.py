"""The HTTP application as a container runs it: a real process, real sockets, SIGTERM."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from emulator.listening import free_port
from lambdas import frames
from tests.support.lambdas.rest import DUMMY

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 20
SIGN_IN = json.dumps({"username": "ravi", "password": "Passw0rd!!"}).encode()


class Cognito:
    """Holds every request until it is released, then refuses it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()
        cognito = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                cognito.asked.set()
                cognito.released.wait(DEADLINE_SECONDS)
                body = json.dumps({"__type": "NotAuthorizedException", "message": "no"}).encode()
                self.send_response(400)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


class Container:
    """The process of one container."""

    def __init__(self, cognito: Cognito, more: Mapping[str, str]) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lambdas.api.server"],
            cwd=ROOT,
            env={
                **DUMMY,
                "PATH": os.environ["PATH"],
                "HOST": "127.0.0.1",
                "PORT": str(self.port),
                "POOL_NAME": "large",
                "POWERTOOLS_SERVICE_NAME": "api",
                "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/0123456789abcdef-1234",
                "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": cognito.url,
                "CONNECTIONS_URL": "http://127.0.0.1:9/dev",
                "USER_POOL_ID": "us-east-1_pool",
                "USER_POOL_CLIENT_ID": "client",
                "TOKEN_ISSUER": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool",
                **{f"{table}_TABLE": table for table in ("CHATS", "USERS", "TICKETS")},
                **more,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until(self.healthy)

    def healthy(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[0]
        try:
            return self.request("GET", "/api/health")[0] == 200
        except (ConnectionError, http.client.HTTPException):
            return False

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any, dict[str, str]]:
        connection = self.connect()
        try:
            connection.request(method, path, body)
            return reply(connection)
        finally:
            connection.close()


def reply(connection: http.client.HTTPConnection) -> tuple[int, Any, dict[str, str]]:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return response.status, json.loads(response.read()), headers


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@contextmanager
def running(**more: str) -> Iterator[tuple[Container, Cognito]]:
    """`more` of the environment."""
    cognito = Cognito()
    thread = threading.Thread(target=cognito.server.serve_forever, args=(0.01,))
    thread.start()
    container = None
    try:
        container = Container(cognito, more)
        yield container, cognito
    finally:
        cognito.released.set()
        if container is not None:
            container.process.kill()
            container.process.communicate()
        cognito.server.shutdown()
        cognito.server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    with running() as (container, _cognito):
        yield container


def test_a_container_names_its_pool_and_its_task(container: Container) -> None:
    status, body, headers = container.request("GET", "/api/health")
    assert (status, body) == (200, {"status": "ok", "pool": "large", "instance": "0123456789ab"})
    assert headers["x-served-by"] == "large/0123456789ab"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nowhere", None, 404, "not_found"),
        ("GET", "/api/chats", None, 401, "unauthorized"),
        ("PATCH", "/api/chats", b"{}", 405, "bad_request"),
        ("POST", "/api/sign-in", b"\xff", 400, "bad_request"),
        ("POST", "/api/sign-in", b'{"a":NaN}', 400, "bad_request"),
        ("POST", "/api/sign-in", b" " * (129 * 1024), 413, "too_large"),
        ("POST", "/nowhere", b" " * (129 * 1024), 413, "too_large"),
    ],
)
def test_errors_have_the_one_shape_here_too(
    container: Container, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    got, response, headers = container.request(method, path, body)
    frames.validate("rest/error.response", response)
    assert (got, response["error"]["code"]) == (status, code)
    assert headers["x-served-by"] == "large/0123456789ab"


def test_a_body_without_a_length_is_limited_as_well(container: Container) -> None:
    status, response, _ = container.request("POST", "/api/sign-in", iter([b" " * 1024] * 129))
    assert (status, response["error"]["code"]) == (413, "too_large")


def test_a_connection_serves_one_request_after_another(container: Container) -> None:
    connection = container.connect()
    for body in (b"{", b" " * (200 * 1024), SIGN_IN[:-1]):
        connection.request("POST", "/api/sign-in", body)
        assert reply(connection)[0] in (400, 413)
        assert connection.sock is not None  # kept alive
    connection.close()


def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(container: Container) -> None:
    with socket.create_connection(("127.0.0.1", container.port)) as client:
        client.sendall(b"POST /api/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert container.healthy()


def test_sigterm_finishes_the_request_in_flight_and_ends_the_process() -> None:
    with running() as (container, cognito), ThreadPoolExecutor(1) as client:
        idle = container.connect()
        idle.request("GET", "/api/health")
        assert reply(idle)[0] == 200
        in_flight = client.submit(container.request, "POST", "/api/sign-in", SIGN_IN)
        assert cognito.asked.wait(DEADLINE_SECONDS)
        assert container.healthy()  # what waits for Cognito does not hold up the health check
        container.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(container))
        assert not in_flight.done()
        assert ended(idle)  # whoever holds it finds out before it sends the next request
        cognito.released.set()
        status, response, headers = in_flight.result(DEADLINE_SECONDS)
        assert (status, response["error"]["code"]) == (401, "unauthorized")
        assert headers["connection"] == "close"
        log, _ = container.process.communicate(timeout=DEADLINE_SECONDS)
        assert container.process.returncode == 0
        idle.close()
    lines = [json.loads(line) for line in log.splitlines()]  # all of it is JSON
    assert "Passw0rd" not in log
    assert {"route": "/api/sign-in", "status": 401}.items() <= lines_of(lines, "request")[
        -1
    ].items()


def ended(connection: http.client.HTTPConnection) -> bool:
    """Waits until the other side has closed it."""
    assert connection.sock is not None
    return connection.sock.recv(1) == b""


def refuses(container: Container) -> bool:
    try:
        socket.create_connection(("127.0.0.1", container.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def lines_of(lines: list[dict[str, Any]], message: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["message"] == message]


def test_sigterm_with_nothing_in_flight_ends_it_at_once() -> None:
    with running() as (container, _cognito):
        container.process.send_signal(signal.SIGTERM)
        container.process.communicate(timeout=DEADLINE_SECONDS)
        assert container.process.returncode == 0


def test_a_request_that_never_ends_holds_the_process_up_no_longer_than_it_may() -> None:
    with running(FINISH_SECONDS="1") as (container, _cognito):
        stalled = container.connect()
        stalled.putrequest("POST", "/api/sign-in")
        stalled.putheader("Content-Length", "100")
        stalled.endheaders(b"{")
        assert container.healthy()  # a later request was answered: the stalled one is known
        container.process.send_signal(signal.SIGTERM)
        container.process.communicate(timeout=DEADLINE_SECONDS)
        assert container.process.returncode == 0
        stalled.close()


def test_an_idle_connection_is_kept_as_long_as_the_template_says() -> None:
    with running(KEEP_ALIVE_SECONDS="1") as (container, _cognito):
        idle = container.connect()
        idle.request("GET", "/api/health")
        assert reply(idle)[0] == 200
        assert ended(idle)  # by default not within the connection's deadline
        idle.close()
