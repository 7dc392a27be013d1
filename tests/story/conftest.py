"""One running system for all stories: the real command, its own state directory and ports."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import ChatClient

ROOT = Path(__file__).parents[2]
READY_WITHIN_SECONDS = 180  # a cold machine synthesizes and bundles first
PASSWORD = "Correct-horse-7"


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What .local/endpoints.json says of a system that was started for these tests."""
    state = tmp_path_factory.mktemp("local")
    output = (state / "output.txt").open("w")
    command = [sys.executable, "-m", "local", "up", "--api-port", "0", "--state-dir", str(state)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield _when_ready(state, process)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, (state / "output.txt").read_text()
        output.close()


def _when_ready(state: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    found = state / "endpoints.json"
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if found.exists():
            result: dict[str, Any] = json.loads(found.read_text())
            return result
        time.sleep(0.1)
    raise AssertionError("local mode did not get ready:\n" + (state / "output.txt").read_text())


@pytest.fixture
def name() -> Callable[[str], str]:
    """A user name that no other test has: name("ravi") -> "ravi_3f9a1c"."""
    suffix = secrets.token_hex(3)
    return lambda who: f"{who}_{suffix}"


@pytest.fixture
def device(endpoints: dict[str, Any], tmp_path: Path) -> Callable[..., ChatClient]:
    """A device of a user; the same name again is the same device with the same state."""

    def make(user: str, device: str = "phone", **options: Any) -> ChatClient:
        store = tmp_path / f"{user}-{device}.sqlite"
        return ChatClient(endpoints["api"], user, PASSWORD, device, store, **options)

    return make


@pytest.fixture
def phone(endpoints: dict[str, Any]) -> Callable[[str], list[dict[str, Any]]]:
    """What the local FCM and APNs hold for a device token."""

    def look(token: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{endpoints['console']}/_local/phones/{token}")
        answer.raise_for_status()
        pushes: list[dict[str, Any]] = answer.json()["pushes"]
        return pushes

    return look


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any]], Any]:
    def wait(condition: Callable[[], Any], within: float = 30.0) -> Any:
        deadline = time.monotonic() + within
        while True:
            if value := condition():
                return value
            assert time.monotonic() < deadline, f"not within {within} s"
            time.sleep(0.05)

    return wait


os.environ.update(
    AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_EC2_METADATA_DISABLED="true"
)
