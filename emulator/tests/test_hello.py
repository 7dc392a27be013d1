"""The README's first screen: examples/hello, a CDK app, synthesized and called."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

EXAMPLE = Path(__file__).parents[1] / "examples" / "hello"


def emulate(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emulator", *arguments, "--project", str(project)]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    project = tmp_path / "hello"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".local", "__pycache__"))
    yield project
    emulate(project, "down")


def test_the_example_serves_http_and_web_sockets_from_one_table(project: Path) -> None:
    pytest.importorskip("aws_cdk")
    started = emulate(project, "up", "--detach", "--api-port", "0")
    assert started.returncode == 0, started.stdout + started.stderr
    known: dict[str, Any] = json.loads((project / ".local" / "endpoints.json").read_text())
    assert [httpx.get(known["api"] + "/ravi").text for _ in range(2)] == [
        "hello ravi, 1",
        "hello ravi, 2",
    ]

    async def greeted(name: str) -> str | bytes:
        async with connect(known["websocket"]) as socket:
            await socket.send(name)
            return await asyncio.wait_for(socket.recv(), 20)

    assert asyncio.run(greeted("ravi")) in ("2", b"2")
    assert asyncio.run(greeted("raju")) in ("0", b"0")
