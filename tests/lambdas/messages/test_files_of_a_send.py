"""The number of files in lambdas/ that a `send` frame passes: those that a reader has to open.

This one takes every way that a message takes to its members: a post, a push job, a member who is
away. What is sent again, is sent to a request or fails passes others.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import lambdas
from tests.support.lambdas import given, when
from tests.support.lambdas.backend import Backend

LAMBDAS = Path(lambdas.__file__).parent
# These serve every file and know nothing of messages: clients and variables, logs and metrics, the
# wire form of an item, the signature of a request, how often anything was done.
SHARED = {"settings.py", "telemetry.py", "attribute_values.py", "signing.py", "limits.py"}


@contextmanager
def files_that_run() -> Iterator[set[str]]:
    """The files under lambdas/ of which a function is called meanwhile, in any thread."""
    found: set[str] = set()

    def record(frame: FrameType, event: str, _argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(LAMBDAS):
            found.add(str(path.relative_to(LAMBDAS)))

    before = sys.getprofile()
    threading.setprofile(record)
    sys.setprofile(record)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


@pytest.mark.slow
def test_a_send_passes_at_most_ten_files(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    given.user(world, "mira", "phone")  # gets a push
    chat = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", chat)  # imports the modules, which is no call of a function
    with files_that_run() as files:
        assert when.sends(world, "ravi", chat)["type"] == "accepted"
    passed = files - SHARED
    assert {"websocket.py", "messages/send.py", "connections.py"} <= passed
    assert len(passed) <= 10, sorted(passed)
