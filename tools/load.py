"""Requests to the running system, and a table of who responded: `python -m tools.load`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from emulator.cli.arguments import add_places, set_state_directory
from emulator.load import NLB, Load, Tally, send
from emulator.providers import EmulatorError
from emulator.runtime import endpoints, lock
from emulator.runtime.project import read
from tools import own_system
from tools.screen import Row, Screen


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.load", description="Sends requests and counts who responds."
    )
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=10, help="at once (default: 10)")
    parser.add_argument("--through", choices=("alb", "nlb"), default="alb")
    parser.add_argument("--path", help="default: load_path of the project's settings")
    parser.add_argument("--cookies", action="store_true", help="each client keeps its cookies")
    add_places(parser)
    options = parser.parse_args()
    set_state_directory(options)
    return own_system.exit_code(run, options)


def run(given: argparse.Namespace) -> int:
    """0 where every request got a response with a status below 500; otherwise 1."""
    try:
        path = given.path or read(given.project).load_path
        wanted = Load(given.requests, given.concurrency, path, given.through, given.cookies)
    except ValueError as error:
        raise EmulatorError(str(error)) from error
    known = endpoints.read(given.state_dir)
    if known is None or lock.holder(given.state_dir) != known.pid:
        raise EmulatorError("it is not running: start it with `make dev`")
    base_url = known.nlb if given.through == NLB else known.api
    if base_url is None:
        raise EmulatorError(f"{known.env} has no network load balancer: set load_balancer.ip_hash")
    return _shown(asyncio.run(send(base_url, wanted)))


def _shown(tally: Tally) -> int:
    screen, figures = Screen(), tally.as_json()
    screen.show([Row(name, "", count) for name, count in tally.served_by.items()])
    statuses = ", ".join(f"{code} ×{count}" for code, count in tally.statuses.items())
    screen.line(f"   {statuses}")
    screen.line(
        f"   {figures['sent']} requests in {tally.seconds:.1f} s, "
        f"p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms"
    )
    return 1 if any(reply.status is None or reply.status >= 500 for reply in tally.replies) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
