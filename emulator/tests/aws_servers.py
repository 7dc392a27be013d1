"""The AWS server with every change of emulator.aws, as a process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator

from emulator.listening import HOST, bound, number


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Its URL. Expired items go within a tenth of a second; pushes reach nobody."""
    with killed() as (url, _):
        yield url


@contextlib.contextmanager
def killed() -> Iterator[tuple[str, Callable[[], None]]]:
    """Its URL, and what kills it."""
    with bound(0, "AWS") as listening:
        url, fd = f"http://{HOST}:{number(listening)}", listening.fileno()
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "emulator.aws.server", "--fd", str(fd), "--sweep", "0.1"),
                *("--fcm", "http://127.0.0.1:9", "--apns", "http://127.0.0.1:9"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=(fd,),
        )
    assert server.stdin is not None and server.stdout is not None
    with server:
        assert server.stdout.readline() == "ready\n"
        yield url, server.kill
        server.stdin.close()
