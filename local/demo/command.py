"""`python -m local demo-balance`: the tour of a system that runs, or of one started for it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local import background, endpoints, lock
from local.demo.system import Running
from local.demo.tour import Tour
from local.endpoints import Endpoints
from local.providers import LocalModeError
from local.screen import Screen

OWN_ENVIRONMENT = "staging"  # two container pools of different size, as weights are meant for
# It stays on this machine, where there is no certificate; what --context says comes after it.
OWN_SETTINGS = (("load_balancer.plain_http", "true"),)


def run(given: argparse.Namespace) -> int:
    """0 where everything was as expected, otherwise 1. Raises LocalModeError where it can't be
    taken to its end. However it ends, what was started for it has ended as well."""
    # An end by SIGTERM is as orderly as one by Ctrl-C, which what was started with & would ignore.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    screen = Screen()
    known = _running(given.state_dir)
    if known is not None and given.env in (None, known.env):
        if given.speed is not None:
            raise LocalModeError(
                f"{known.env} runs already (pid {known.pid}), and its speed stays as it was "
                "started: leave --speed out, or end it by `python -m local down` first"
            )
        if given.context:
            raise LocalModeError(
                f"{known.env} runs already (pid {known.pid}) with the settings it was started "
                "with: leave --context out, or end it by `python -m local down` first"
            )
        return _taken(known, screen)
    environment = given.env or OWN_ENVIRONMENT
    screen.line(f"starting {environment} for the tour, on free ports ...")
    with _own(given, environment) as own:
        return _taken(own, screen)


def _taken(known: Endpoints, screen: Screen) -> int:
    screen.title(f"\nThe load balancer of {known.env}, {known.api}")
    screen.line(f"   in a browser: {known.console}/_local")
    met = asyncio.run(_tour(known, screen))
    screen.title("\nEverything as expected" if met else "\nNot everything was as expected")
    return 0 if met else 1


async def _tour(known: Endpoints, screen: Screen) -> bool:
    running = Running(known)
    try:
        return await Tour(running, screen).run()
    finally:
        await running.close()


def _running(state: Path) -> Endpoints | None:
    pid, known = lock.holder(state), endpoints.read(state)
    return known if known is not None and known.pid == pid else None


@contextlib.contextmanager
def _own(given: argparse.Namespace, environment: str) -> Iterator[Endpoints]:
    state = (given.state_dir / "demo").resolve()
    printed: list[str] = []
    process = background.start(
        [
            *("--env", environment, "--api-port", "0"),
            *(("--speed", str(given.speed)) if given.speed is not None else ()),
            *("--project", str(given.project), "--state-dir", str(state)),
            *(
                word
                for key, value in (*OWN_SETTINGS, *given.context)
                for word in ("--context", f"{key}={value}")
            ),
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
        raise LocalModeError(f"the system for the tour did not start:\n{printed}")
    return known
