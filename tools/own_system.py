"""The system that a demonstration shows: the one that runs, or one that is started for it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from emulator.cli import background
from emulator.providers import EmulatorError
from emulator.runtime import endpoints, lock
from emulator.runtime.endpoints import Endpoints


def running(state: Path) -> Endpoints | None:
    """The one that has the folder `state`; None where nobody has it."""
    pid, known = lock.holder(state), endpoints.read(state)
    return known if known is not None and known.pid == pid else None


@contextlib.contextmanager
def started(project: Path, state: Path, arguments: Sequence[str]) -> Iterator[Endpoints]:
    """One on free ports, which has ended when the block ends. Raises EmulatorError where it does
    not start. `arguments` are those of `emulate up`."""
    printed: list[str] = []
    process = background.start(
        [
            *("--api-port", "0", "--project", str(project), "--state-dir", str(state)),
            *arguments,
        ],
        state,
        printed.append,
    )
    try:
        yield _ready(process, state, "".join(printed))
    finally:
        background.end(process)


def _ready(process: subprocess.Popen[bytes], state: Path, printed: str) -> Endpoints:
    known = endpoints.read(state)
    if process.poll() is not None or known is None:
        raise EmulatorError(f"the system did not start:\n{printed}")
    return known
