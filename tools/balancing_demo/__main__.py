"""A tour of the load balancer (`make demo-balance`), of a system that runs or is started for it."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from emulator.cli.arguments import (
    ANY_SETTING,
    add_places,
    add_settings,
    add_speed,
    set_state_directory,
)
from emulator.providers import EmulatorError
from emulator.runtime.endpoints import Endpoints
from emulator.runtime.project import Project, read
from tools import own_system
from tools.balancing_demo.system import Running
from tools.balancing_demo.tour import Tour
from tools.screen import Screen

OWN_ENVIRONMENT = "staging"  # two container pools of different size, as weights are meant for
# There is no certificate on this machine; settings of --context override these.
OWN_SETTINGS = (("load_balancer.plain_http", "true"),)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.balancing_demo",
        description="A tour of the load balancer, of what runs or of a system of its own.",
    )
    parser.add_argument("--env", help="default: what runs, else staging")
    add_settings(parser, "-c", "--context", ANY_SETTING)
    add_speed(parser, default=None)  # what runs has its own
    add_places(parser)
    options = parser.parse_args()
    set_state_directory(options)
    return own_system.exit_code(run, options)


def run(given: argparse.Namespace) -> int:
    """0 where everything was as expected, otherwise 1. Raises EmulatorError where it can't be
    taken to its end. However it ends, what was started for it has ended as well."""
    # An end by SIGTERM is as orderly as one by Ctrl-C, which what was started with & would ignore.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    screen = Screen()
    known, project = own_system.running(given.state_dir), read(given.project)
    if known is not None and given.env in (None, known.env):
        if given.speed is not None:
            raise EmulatorError(
                f"{known.env} runs already (pid {known.pid}), and its speed stays as it was "
                "started: leave --speed out, or end it with `make stop` first"
            )
        if given.context:
            raise EmulatorError(
                f"{known.env} runs already (pid {known.pid}) with the settings it was started "
                "with: leave --context out, or end it with `make stop` first"
            )
        return _taken(known, project, screen)
    environment = given.env or OWN_ENVIRONMENT
    screen.line(f"starting {environment} for the tour, on free ports ...")
    state = (given.state_dir / "demo").resolve()
    arguments = _arguments(given, environment)
    with own_system.started(given.project, state, arguments) as own:
        return _taken(own, project, screen)


def _taken(known: Endpoints, project: Project, screen: Screen) -> int:
    screen.title(f"\nThe load balancer of {known.env}, {known.api}")
    screen.line(f"   in a browser: {known.console}/_local")
    met = asyncio.run(_tour(known, project, screen))
    screen.title("\nEverything as expected" if met else "\nNot everything was as expected")
    return 0 if met else 1


async def _tour(known: Endpoints, project: Project, screen: Screen) -> bool:
    running = Running(known, project.load_path)
    try:
        return await Tour(running, screen).run()
    finally:
        await running.close()


def _arguments(given: argparse.Namespace, environment: str) -> list[str]:
    return [
        *("--env", environment),
        *(("--speed", str(given.speed)) if given.speed is not None else ()),
        *(
            word
            for key, value in (*OWN_SETTINGS, *given.context)
            for word in ("--context", f"{key}={value}")
        ),
    ]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
