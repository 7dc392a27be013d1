"""The AWS server with every change of local.aws, as a process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Its URL. Expired items go within a tenth of a second; pushes reach nobody."""
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
