"""Many schedules of the chat log's model, with progress: `make model SCHEDULES=10000 [seed=7]`.

A failure is printed with its seed and as few steps as still show it; the others go on.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from io import StringIO

from tests.model.failures import explained, fault_of
from tests.model.small import small

AT_ONCE = 25
EXPLAINED = 3  # failures of one part; more are only named
SECONDS = 10  # between two lines of progress


def part(first: int, number: int) -> list[str]:
    """The failures of some schedules."""
    found: list[str] = []
    with small() as unexpected, redirect_stdout(StringIO()):  # there go the functions' metrics
        for seed in range(first, first + number):
            fault = fault_of(seed)
            if fault is not None:
                few = len(found) < EXPLAINED
                found.append(explained(seed, fault) if few else f"seed {seed}: {fault}")
            elif unexpected:
                found.append(f"seed {seed}: a handler failed by itself: {unexpected}")
            unexpected.clear()
    return found


def main() -> int:
    """The exit status: 1 after a failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--schedules", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    began = said = time.monotonic()
    done, failures = 0, 0
    for number, found in _parts(options):
        done, failures = done + number, failures + len(found)
        for each in found:
            sys.stdout.write(f"\n{each}\n")
        if time.monotonic() - said > SECONDS or found or done == options.schedules:
            said = time.monotonic()
            line = f"{done} of {options.schedules} schedules, {failures} failures, "
            sys.stdout.write(f"{line}{said - began:.0f} s\n")
            sys.stdout.flush()
    return 1 if failures else 0


def _parts(options: argparse.Namespace) -> Iterator[tuple[int, list[str]]]:
    last = options.seed + options.schedules
    firsts = range(options.seed, last, AT_ONCE)
    with ProcessPoolExecutor(options.jobs) as pool:
        numbers = [min(AT_ONCE, last - first) for first in firsts]
        yield from zip(numbers, pool.map(part, firsts, numbers), strict=True)


if __name__ == "__main__":
    sys.exit(main())
