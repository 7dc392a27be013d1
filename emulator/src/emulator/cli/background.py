"""The emulator in the background: a session of its own, out of reach of Ctrl-C here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from emulator.providers import EmulatorError
from emulator.runtime import endpoints

STARTS_WITHIN = 180.0  # seconds; a first synthesis builds the function bundle
ENDS_WITHIN = 30.0


def start(
    arguments: Sequence[str], state: Path, show: Callable[[str], object]
) -> subprocess.Popen[bytes]:
    """`emulate up <arguments>`, which write to `state`. `show` gets what it prints.

    Returns once it is ready, or has ended: then `returncode` is set. Raises EmulatorError if it
    is neither within STARTS_WITHIN. Whatever is raised here, no process is left.
    """
    state.mkdir(parents=True, exist_ok=True)
    log = state / "up.log"
    log.unlink(missing_ok=True)
    log.touch(0o600)  # the address of the console is printed into it, with its token
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "emulator", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).resolve().parents[1],
            start_new_session=True,
        )
    try:
        _follow(process, log, state, show)
    except BaseException:
        end(process)
        raise
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM; what is left after ENDS_WITHIN is killed."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _follow(
    process: subprocess.Popen[bytes], log: Path, state: Path, show: Callable[[str], object]
) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    with log.open(encoding="utf-8", errors="replace") as printed:
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            show(printed.read())
            known = endpoints.read(state)
            if known is not None and known.pid == process.pid:
                time.sleep(0.1)  # the table is printed right after the file is there
                show(printed.read())
                return
            if ended:
                return
            time.sleep(0.1)
    raise EmulatorError(f"it was not ready after {STARTS_WITHIN:.0f} s; see {log}")
