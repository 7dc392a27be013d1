"""`python -m tools.chaos`: 50 people in 10 groups write for 3 minutes while everything fails.

It starts a system of its own, which ends with it. The exit code is 0 only if nothing was lost,
shown twice or out of order, and every phone rang as it should, once it had healed. Faults and texts
are drawn from the seed; when exactly they meet depends on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from emulator.providers import EmulatorError
from tools.chaos import faults, people, verdict
from tools.chaos.people import Person
from tools.chaos.system import System
from tools.screen import Screen

ROOT = Path(__file__).parents[2]
POLL = 1.0  # seconds between two checks


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--pause", type=float, default=10.0, help="between two texts of a person")
    parser.add_argument("--heals", type=float, default=180.0, help="what comes later is lost")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="switchboard-chaos-"))
    try:
        code = asyncio.run(run(given, folder))
    except EmulatorError as error:
        print(f"\nemulator: {error}", file=sys.stderr)
        code = 1
    if code:
        print(f"logs and the people's stores: {folder}")
    else:
        shutil.rmtree(folder)
    return code


async def run(given: argparse.Namespace, folder: Path) -> int:
    screen, random = Screen(), Random(given.seed)
    system = System(ROOT, folder / "system")
    await system.start()
    try:
        everybody = [
            Person(f"person_{n:02}", system.api, folder / f"{n:02}.db", asleep=n % 10 == 9)
            for n in range(given.clients)
        ]
        members = await people.arrive(everybody, given.groups, random)
        for person in everybody:
            if person.asleep:
                await person.go()
        screen.line(f"   {len(everybody)} people in {len(members)} groups")
        await _through_faults(screen, system, everybody, given, random)
        healed, found = await _healed(system, everybody, members, given.heals)
        for person in everybody:
            await person.go()
    finally:
        await system.close()
    for name, count in found.rows():
        screen.line(f"   {name:<14} {count:>7}")
    screen.line(f"   healed {healed:.1f} s after the last fault")
    screen.line("nothing was lost" if found.good else f"NOT AS IT SHOULD BE (seed {given.seed})")
    return 0 if found.good else 1


async def _through_faults(
    screen: Screen,
    system: System,
    everybody: list[Person],
    given: argparse.Namespace,
    random: Random,
) -> None:
    """People write, and one fault after another comes, some at the same time."""
    awake = [person for person in everybody if not person.asleep]
    tokens = [person.token for person in everybody if person.asleep]
    scene = faults.Scene(system, awake, tokens, random)
    started = time.monotonic()
    writing = [
        asyncio.create_task(people.write(each, given.pause, Random(f"{given.seed} {each.name}")))
        for each in awake
    ]

    async def comes(fault: faults.Fault) -> None:
        await asyncio.sleep(fault.at)
        done = await faults.make(fault.kind, scene)
        screen.event(time.monotonic() - started, done)

    await asyncio.gather(*map(comes, faults.schedule(given.seconds, random)))
    left = given.seconds - (time.monotonic() - started)
    await asyncio.sleep(max(0.0, left))
    for task in writing:
        task.cancel()
    await asyncio.gather(*writing, return_exceptions=True)


async def _healed(
    system: System, everybody: list[Person], members: dict[str, list[str]], within: float
) -> tuple[float, verdict.Verdict]:
    """Seconds until everything was as it should be, at most `within`."""
    began = time.monotonic()
    tokens = {person.name: person.token for person in everybody if person.asleep}
    rings = await system.rings(list(tokens.values()))
    waiting = True
    while True:
        histories = {person.name: person.history() for person in everybody}
        found = verdict.judge(
            members,
            [message for person in everybody for message in person.as_sent()],
            {person.name: person.shown for person in everybody},
            histories,
            {name: rings[token] for name, token in tokens.items()},
        )
        seconds = time.monotonic() - began
        if found.good or seconds > within:
            return seconds, found
        if waiting and not found.unaccepted:
            # people who were away come back once the phones had time to ring for the last text
            rings = await _rung(system, list(tokens.values()))
            await asyncio.gather(*(each.come() for each in everybody if each.asleep))
            waiting = False
        await asyncio.sleep(POLL)


async def _rung(system: System, tokens: list[str]) -> dict[str, list[verdict.Ring]]:
    """What the phones rang for, once they have been quiet for a while."""
    quiet, before = 0, await system.rings(tokens)
    while quiet < 5:
        await asyncio.sleep(POLL)
        now = await system.rings(tokens)
        quiet, before = (quiet + 1 if now == before else 0), now
    return before


if __name__ == "__main__":
    sys.exit(main())
