"""`make load`: texts between pairs of users, at a rate that grows step by step; a page shows it.

It loads the system that runs here, one that it starts for itself, or a deployed one: --api with its
URL. Accounts are made there, and stay.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from websockets.exceptions import WebSocketException

from bench.raw_client import Rejected
from client.errors import ClientError
from emulator.providers import EmulatorError
from tools.load_test import report
from tools.load_test.run import run
from tools.load_test.steps import Step, Text, as_json, from_json, measured, quantile, ramp
from tools.own_system import running, started

ROOT = Path(__file__).parents[2]
HERE = "this machine"  # whose URL may have another port in each run
# What the system, the network and the backend end a run with before it is measured.
FAILURES = (EmulatorError, ClientError, Rejected, WebSocketException, httpx.HTTPError, OSError)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--api", help="of a deployed environment: its ApiUrl")
    parser.add_argument("--from", dest="first", type=float, default=5, help="texts a second: 5")
    parser.add_argument("--to", dest="last", type=float, default=120, help="texts a second: 120")
    parser.add_argument("--steps", type=int, default=8, help="8")
    parser.add_argument("--seconds", type=float, default=10, help="of each step: 10")
    parser.add_argument("--pairs", type=int, default=8, help="of users: 8")
    parser.add_argument("--state-dir", type=Path, default=ROOT / ".local")
    given = parser.parse_args()
    try:
        rates = ramp(given.first, given.last, given.steps)
    except ValueError as error:
        parser.error(str(error))
    try:
        with _system(given.api, given.state_dir) as api:
            print(f"{api}: {given.pairs} pairs, {rates[0]:.0f} to {rates[-1]:.0f} texts a second")
            texts = asyncio.run(run(api, rates, given.seconds, given.pairs, _progress))
    except FAILURES as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    steps = measured(texts, rates, given.seconds)
    name = given.api.rstrip("/") if given.api else HERE
    return _reported(name, steps, given.state_dir / "load")


@contextlib.contextmanager
def _system(api: str | None, state: Path) -> Iterator[str]:
    """The URL of the API to load."""
    if api is not None:
        yield api.rstrip("/")
    elif (known := running(state)) is not None:
        yield known.api
    else:
        print("nothing runs here: starting a system for this run")
        with started(ROOT, state / "load" / "system", ["--fresh"]) as own:
            yield own.api


def _progress(second: float, texts: list[Text]) -> None:
    """One line a second, of the texts that were due in the second before the last."""
    late = [each for each in texts if second - 2 <= each.due < second - 1]
    times = sorted((each.received - each.due) * 1000 for each in late if each.received is not None)
    print(
        f"{second:5.0f} s  {len(late):4} due  {len(times):4} received  "
        f"p50 {quantile(times, 0.5):6.0f} ms  p99 {quantile(times, 0.99):6.0f} ms",
        flush=True,
    )


def _reported(api: str, steps: list[Step], folder: Path) -> int:
    """1 where a text was lost. The run is kept: the next one on the same API is compared with it.

    `api` is its URL, or HERE.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "last.json"
    before: list[Step] = []
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        last = json.loads(kept.read_text())
        if last["api"] == api:
            before = from_json(last["steps"])
    kept.write_text(json.dumps({"api": api, "steps": as_json(steps)}))
    title = f"Load on {api}, {time.strftime('%Y-%m-%d %H:%M')}"
    (folder / "report.html").write_text(report.page(title, steps, before))
    print(report.verdict(steps, before))
    print(f"report: {folder / 'report.html'}")
    return 1 if any(each.lost for each in steps) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
