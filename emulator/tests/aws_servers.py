"""The AWS server with every change of emulator.aws, as a process."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

from tests.aws_forks import forked

from emulator.listening import HOST, bound, number

NOWHERE = "http://127.0.0.1:9"
ARGUMENTS = {"sweep": "0.1", "fcm": NOWHERE, "apns": NOWHERE}


@contextlib.contextmanager
def running(**arguments: str) -> Iterator[str]:
    """Its URL. Expired items go within a tenth of a second; pushes reach nobody; unless `arguments`
    of the server's command line say otherwise."""
    with killed(**arguments) as (url, _):
        yield url


@contextlib.contextmanager
def killed(**arguments: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Its URL, and what kills it."""
    options = [f"--{name}={value}" for name, value in (ARGUMENTS | arguments).items()]
    its_input, our_end = os.pipe()
    our_output, its_output = os.pipe()
    with bound(0, "AWS") as listening:
        url = f"http://{HOST}:{number(listening)}"
        pid = forked(listening.fileno(), its_input, its_output, options)
    os.close(its_input)
    os.close(its_output)
    with os.fdopen(our_output) as output:
        try:
            assert output.readline() == "ready\n"
            yield url, lambda: os.kill(pid, signal.SIGKILL)
        finally:
            os.close(our_end)
            output.read()  # until it has ended
