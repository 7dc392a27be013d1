"""The command `up` in the foreground, from the command line to the last process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import time
from pathlib import Path

from emulator import addresses, allocation, credentials
from emulator.cli import output
from emulator.cli.logs import Formatter
from emulator.runtime import endpoints, project
from emulator.runtime.options import Options
from emulator.runtime.system import System


async def run(given: argparse.Namespace) -> int:
    """Runs until SIGINT or SIGTERM. Raises EmulatorError when it cannot start."""
    allocation.release_freed_memory()
    # Nothing here may ever reach a real account, whatever the shell was set up for.
    elsewhere = addresses.elsewhere(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": credentials.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": credentials.SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    options = _options(given, elsewhere)
    _log_to(options.logs / "emulator.log")
    endpoints.remove(options.state)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _request_stop, stop)
    report = Progress()
    system = System(options, report)
    ends = f"{options.hint('down')} ends it."
    try:
        return await _run_until(
            stop, system, report, options.state, ends if given.detached else f"Ctrl-C or {ends}"
        )
    finally:
        endpoints.remove(options.state)
        await system.stop()
        report("ended: no process and no port is left")


def _options(given: argparse.Namespace, elsewhere: dict[str, str]) -> Options:
    return Options(
        project=project.read(given.project),
        state=given.state_dir.resolve(),
        env=given.env,
        api_port=given.api_port,
        websocket_port=given.ws_port,
        console_port=given.console_port,
        speed=given.speed,
        idle_limit=given.idle_limit,
        iam=given.iam,
        data_directory=given.data.resolve() if given.data else None,
        fresh=given.fresh,
        elsewhere=elsewhere,
        context=dict(given.context),
    )


def _request_stop(stop: asyncio.Event) -> None:
    """A second signal exits at once; the watchdog kills the child processes."""
    if stop.is_set():
        os._exit(130)
    stop.set()


async def _run_until(
    stop: asyncio.Event, system: System, report: Progress, state: Path, ends: str
) -> int:
    ending = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(system.start())
    await asyncio.wait({ending, starting}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        known = await starting
        known.write(state)
        report(f"ready\n\n{known.table()}\n\n  {ends}\n")
        await ending
    else:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
    report("ending")
    return 0


class Progress:
    """Prints lines with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, text: str) -> None:
        output.show(f"{time.monotonic() - self._started:6.1f} s  {text}\n")


def _log_to(path: Path) -> None:
    """Details go to a file, warnings to the terminal as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob("*.log"):
        old.unlink()
    form = Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    file = logging.FileHandler(path, encoding="utf-8")
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    for handler in (file, terminal):
        handler.setFormatter(form)
        logging.getLogger("emulator").addHandler(handler)
    logging.getLogger("emulator").setLevel(logging.INFO)
