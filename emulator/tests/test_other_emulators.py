"""Tables and queues of another emulator behind this one, named by AWS_ENDPOINT_URL_<SERVICE>.

The other emulator is moto's own server, without any change of `emulator.aws` and in a process of
its own. docs/comparison.md says why it is none of those that are compared there.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from tests import tiny_projects

HOST = "127.0.0.1"


pytestmark = pytest.mark.xdist_group("other emulators")  # they share the server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a running moto server."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not listens(port):
            assert process.poll() is None and time.monotonic() < deadline, "moto does not listen"
            time.sleep(0.05)
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def other(server: str) -> str:
    """The same, empty."""
    assert httpx.post(f"{server}/moto-api/reset").status_code == 200
    return server


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex((HOST, port)) == 0


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    yield tiny_projects.write(tmp_path)
    tiny_projects.emulate(tmp_path, "down")


@pytest.mark.parametrize(
    ("services", "moved"),
    [
        pytest.param(["DYNAMODB"], {"tables"}, id="tables", marks=pytest.mark.deep),
        pytest.param(["SQS"], {"queues"}, id="queues", marks=pytest.mark.deep),
        pytest.param(["DYNAMODB", "SQS"], {"tables", "queues"}, id="both"),
    ],
)
def test_a_message_in_the_queue_becomes_an_item_of_the_table_wherever_they_are(
    project: Path, other: str, services: list[str], moved: set[str]
) -> None:
    elsewhere = {f"AWS_ENDPOINT_URL_{service}": other for service in services}
    started = tiny_projects.emulate(project, "up", "--detach", "--api-port", "0", **elsewhere)
    assert started.returncode == 0, started.stdout + started.stderr
    own = tiny_projects.endpoints(project)["aws"]
    place = {kind: other if kind in moved else own for kind in ("tables", "queues")}

    queues = client("sqs", place["queues"])
    url = queues.get_queue_url(QueueName="jobs")["QueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody="m1")
    assert stored(place["tables"]) == ["m1"]

    for url in (own, other):
        tables = client("dynamodb", url).list_tables()["TableNames"]
        assert tables == (["items"] if url == place["tables"] else [])
        found = client("sqs", url).list_queues().get("QueueUrls", [])
        assert len(found) == (1 if url == place["queues"] else 0)


def client(service: str, url: str) -> Any:
    return boto3.client(service, endpoint_url=url)  # type: ignore[call-overload]


def stored(url: str) -> list[str]:
    """The ids of the items, once there are any; empty after 20 seconds without."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if items := client("dynamodb", url).scan(TableName="items")["Items"]:
            return [item["id"]["S"] for item in items]
        time.sleep(0.1)
    return []
