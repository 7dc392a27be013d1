"""`python -m tools.breaking [NAME]`: breaks what runs here, until Ctrl-C.

Without a name it lists the faults. It prints when the alarm goes off, and mends everything at its
end; `--mend` does that alone, for one that was killed. Exit status 0 if the alarm went off.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from emulator.runtime import endpoints, lock
from tools.breaking.faults import FAULTS, NOT_HERE, Fault
from tools.breaking.system import System
from tools.breaking.traffic import People

STATE = Path(".local")
WITHIN = 600.0  # seconds until an alarm has to be on


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if not given.name and not given.mend:
        _list()
        return 0
    if given.name and given.name not in FAULTS:
        why = NOT_HERE.get(given.name, "there is no such fault: `make break` lists them")
        print(f"break: {given.name}: {why}", file=sys.stderr)
        return 2
    known = endpoints.read(given.state_dir)
    if known is None or lock.holder(given.state_dir) != known.pid:
        print("break: nothing runs here: start it with `make dev`", file=sys.stderr)
        return 2
    with suppress(KeyboardInterrupt):
        if given.mend:
            asyncio.run(_end_faults(known.console))
            return 0
        fault = FAULTS[given.name]
        return 0 if asyncio.run(cause(fault, known.api, known.console, stays=given.stays)) else 1
    return 0


async def cause(
    fault: Fault, api: str, console: str, *, stays: bool, within: float = WITHIN
) -> bool:
    """Whether the alarm went off. With `stays` the fault lasts until somebody interrupts it."""
    print(f"{fault.name}: {fault.runbook}")
    async with System(console) as system:
        if obstacle := await system.obstacle(fault):
            print(f"  {obstacle}")
            return False
    with tempfile.TemporaryDirectory() as stores:
        people = People(api, Path(stores))
        async with System(console) as system, people.there(fault.traffic):
            began = time.monotonic()
            async with system.broken(fault):
                print(
                    f"  broken; meanwhile {fault.traffic.value}; waiting for {fault.alarm}",
                    flush=True,
                )
                alarm = await system.alarm(fault.alarm, within)
                if alarm is None:
                    print(f"  the alarm {fault.alarm} is not on after {within:.0f} s")
                    return False
                print(f"  {time.monotonic() - began:.0f} s: {alarm['description']}")
                if stays:
                    print("  Ctrl-C mends it")
                    await asyncio.Event().wait()
            print("  mended; the alarm ends by itself")
            return True


async def _end_faults(console: str) -> None:
    async with System(console) as system:
        await system.mend()
    print("mended: functions and calls work, the pool has its tasks and weights")


def _list() -> None:
    for fault in FAULTS.values():
        print(f"  {fault.name:<22}{fault.alarm:<22}{fault.traffic.value}")
    for name, why in NOT_HERE.items():
        print(f"  {name:<22}can't be caused here: {why}")
    print("make break FAULT=<name>; the runbook of each is docs/runbooks/<name>.md")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.breaking", description=__doc__)
    parser.add_argument("name", nargs="?", help="without it: a list")
    parser.add_argument("--mend", action="store_true", help="end all faults that are there")
    parser.add_argument(
        *("--once",), dest="stays", action="store_false", help="mend when the alarm is on"
    )
    parser.add_argument("--state-dir", type=Path, default=STATE)
    return parser


if __name__ == "__main__":
    with suppress(httpx.HTTPError):
        sys.exit(main())
    sys.exit("break: what runs here does not respond")
