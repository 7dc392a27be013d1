"""The demonstration in a browser (`make demo`), of a system that runs or is started for it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator, Iterator

from emulator.cli.arguments import add_places, set_state_directory
from emulator.listening import bound
from emulator.providers import EmulatorError
from emulator.runtime.endpoints import Endpoints
from tools import own_system
from tools.demo.demo import opened
from tools.demo.server import Server

DEFAULT_PORT = 8090
PEOPLE = ("ravi", "raju")


def main() -> int:
    options = _parser().parse_args()
    set_state_directory(options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        if options.record:
            # here, as the import of the browser's library takes a while
            from tools.demo.record import program

            program()  # before anything is started for nothing
        with _system(options) as endpoints:
            asyncio.run(_run(options, endpoints))
    except EmulatorError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo",
        description="Two phones in a browser, and the path of a message between them.",
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the page; 0: a free one")
    parser.add_argument("--no-browser", action="store_true", help="only prints the address")
    parser.add_argument(
        "--record",
        action="store_true",
        help="takes the tour in Chromium, and writes its film and pictures into docs/pictures",
    )
    add_places(parser)
    return parser


@contextlib.contextmanager
def _system(options: argparse.Namespace) -> Iterator[Endpoints]:
    """One of its own, so that the two are new there and the tour changes nobody's data."""
    print("starting a system for the demonstration ...", flush=True)
    state = (options.state_dir / "demo-phones").resolve()
    with own_system.started(options.project, state, ["--fresh"]) as endpoints:
        yield endpoints


@contextlib.asynccontextmanager
async def serving(endpoints: Endpoints, port: int, users: tuple[str, str]) -> AsyncIterator[str]:
    """The address of the page, which is there until the block ends. Where `port` is taken, it has
    another one. Raises EmulatorError."""
    server = Server(_port(port))
    await server.listener.start()
    try:
        async with opened(endpoints, server.listener.url, users) as demo:
            server.demo = demo
            notifying = asyncio.create_task(server.notify(demo))
            try:
                yield server.url
            finally:
                notifying.cancel()
    finally:
        await server.stop()


def _port(wanted: int) -> int:
    try:
        bound(wanted, "the demonstration").close()
    except EmulatorError:
        return 0
    return wanted


async def _run(options: argparse.Namespace, endpoints: Endpoints) -> None:
    async with serving(endpoints, options.port, PEOPLE) as url:
        if options.record:
            from tools.demo.record import record

            await record(url)
            return
        print(f"\n  the demonstration   {url}\n\n  Ctrl-C ends it.\n", flush=True)
        if not options.no_browser:
            await asyncio.to_thread(webbrowser.open, url)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
