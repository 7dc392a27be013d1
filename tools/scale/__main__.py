"""`make scale USERS=1000000`: what so many users do to the system, and what they cost.

Options are the behaviour of a user, one for each field of tools/scale/behaviour.py. With --pages it
writes the tables of docs/costs.md and docs/scale.md anew.
"""

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from tools.scale import tables
from tools.scale.behaviour import Behaviour
from tools.scale.limits import in_order
from tools.scale.model import Load
from tools.scale.pages import write

ROOT = Path(__file__).parents[2]
PER_SECOND = 500.0  # new connections that API Gateway admits by default


def main() -> int:
    parser = argparse.ArgumentParser(prog="make scale", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--pages", action="store_true", help="write the tables of docs/")
    for each in fields(Behaviour):
        kind = int if isinstance(each.default, int) else float
        option = f"--{each.name.replace('_', '-')}"
        parser.add_argument(option, type=kind, default=each.default, help=f"{each.default:g}")
    given = vars(parser.parse_args())
    users, pages = given.pop("users"), given.pop("pages")
    if pages:
        print("\n".join(write(ROOT, tables.BLOCKS)) or "all tables are as computed")
        return 0
    if users < 1:
        parser.error("--users is a number of people, 1 or more")
    try:
        behaviour = Behaviour(**given)
    except ValueError as error:
        parser.error(str(error))
    print(report(users, behaviour))
    return 0


def report(users: int, behaviour: Behaviour) -> str:
    load = Load(users, behaviour)
    hit = [limit for at, limit in in_order(behaviour) if at < users]
    first_at, first = in_order(behaviour)[0]
    verdict = (
        f"{len(hit)} limits are over; the first, at {tables.rounded(first_at)} users: {first.name}."
        if hit
        else f"No limit is reached. The first, at {tables.rounded(first_at)} users: {first.name}."
    )
    storm = (max(1, int(load.connections)), PER_SECOND, 0.0)
    window = min(600.0, load.connections / PER_SECOND)
    parts = (
        f"## {users:,} users\n\n{verdict}",
        tables.sizes([users], behaviour),
        tables.month(users, behaviour),
        "### Limits\n\n" + tables.limits(behaviour),
        "### Everybody reconnects\n\n"
        + tables.storms([storm, (storm[0], PER_SECOND, float(round(window)))]),
    )
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
