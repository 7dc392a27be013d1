"""The system that a demonstration shows: the one that runs, or one that is started for it."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from emulator.cli import background
from emulator.providers import EmulatorError
from emulator.runtime import endpoints, lock
from emulator.runtime.endpoints import Endpoints


def exit_code(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """What `run` returns; 1 for an EmulatorError, which is printed as one line."""
    try:
        return run(options)
    except EmulatorError as error:
        print(f"\nemulator: {error}", file=sys.stderr)
        return 1


def running(state: Path) -> Endpoints | None:
    """The running system with the state folder `state`; None if there is none."""
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
