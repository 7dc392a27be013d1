from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def dummy_credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "local")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The URL of an AWS server with every change of local.aws, for tests that make tables and
    queues of their own names."""
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "local.aws.server", "--port", "0", "--sweep", "0.1"),
            *("--fcm", "http://127.0.0.1:9", "--apns", "http://127.0.0.1:9"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None and server.stdout is not None
    with server:
        line = server.stdout.readline()
        assert line.startswith("ready "), line
        yield f"http://127.0.0.1:{line.split()[1]}"
        server.stdin.close()
