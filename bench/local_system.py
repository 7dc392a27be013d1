"""The emulator for a benchmark, in its own state directory and on its own ports."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from tools.processes import processes

ROOT = Path(__file__).parents[1]
READY_WITHIN_SECONDS = 300


class Running(NamedTuple):
    endpoints: dict[str, Any]
    ready_after: float  # seconds from the command to the written endpoints.json


@contextmanager
def running(state: Path, *arguments: str) -> Iterator[Running]:
    """`emulate up`; a `state` directory that was used before makes a warm start."""
    state.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with (state / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "emulator", "up", "--api-port", "0"),
                *("--state-dir", str(state), *arguments),
            ],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Running(_endpoints(state, process), time.monotonic() - started)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def dynamodb(endpoint: str) -> Any:
    """A boto3 client of the emulator's DynamoDB."""
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


@contextmanager
def fresh_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as path:
        yield Path(path)


def _endpoints(state: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    found = state / "endpoints.json"
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found.exists():
            result: dict[str, Any] = json.loads(found.read_text())
            return result
        time.sleep(0.02)
    raise RuntimeError("the emulator did not get ready:\n" + (state / "output.txt").read_text())


def cpu_seconds(root: int) -> float:
    """What `root` and its descendants have used so far, those that have ended included."""
    ticks = 0
    for pid in processes(root):
        with suppress(OSError):  # it has ended
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])  # own, and ended children's
    return ticks / os.sysconf("SC_CLK_TCK")
