"""A schedule that failed, as few steps of it as still fail, as a list that can be read and run.

Each step has random numbers of its own (world.py). So steps can be left out of a schedule, and the
rest stays as it was: that is all that looking for fewer steps needs.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from tests.model.schedule import STEPS, Schedule

TRIES = 400  # of looking for fewer steps
IN_BRACKETS = r"\([^()]*\)|\[[^][]*\]|\{[^{}]*\}"  # without brackets in it


def fault_of(
    seed: int,
    only: Collection[int] | None = None,
    report: Callable[[str], None] | None = None,
    more_of: Collection[str] = (),
) -> Exception | None:
    """What a schedule finds."""
    try:
        Schedule(seed, report, more_of).run(STEPS, only)
    except Exception as fault:  # also an error of the code under test
        return fault
    return None


def explained(seed: int, fault: Exception) -> str:
    """How to run a failure again, and what happens in it."""
    kind = kind_of(fault)
    steps = fewest(range(STEPS), lambda only: kind_of(fault_of(seed, only)) == kind)
    lines: list[str] = []
    found = fault_of(seed, steps, lines.append) or fault
    begin = next((place for place, line in enumerate(lines) if not line.startswith(" ")), 0)
    return "\n".join(
        [
            f"seed {seed}, {len(steps)} of {STEPS} steps: {found}",
            f"again: SEED={seed} STEPS={','.join(map(str, steps))}",
            *lines[begin:],
        ]
    )


def kind_of(fault: Exception | None) -> tuple[type, str]:
    """Its type and the words of its first problem, without what they are about.

    With fewer steps another rule may be broken, by another fault.
    """
    before, text = "", str(fault)
    while text != before:
        before, text = text, re.sub(IN_BRACKETS, "", text)
    words = text.split(";")[0].split()
    return type(fault), " ".join(word for word in words if not re.search(r"[\d/]", word))


def fewest(steps: Sequence[int], fails: Callable[[Collection[int]], bool]) -> list[int]:
    """Steps that still fail, of which no large part can be left out.

    Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input (2002): leaves out
    parts, halves of them where none can go, until single steps are tried. Gives up after TRIES.
    """
    kept, parts, tries = list(steps), 2, 0
    while len(kept) > 1 and tries < TRIES:
        for part in _parts(kept, parts):
            rest = [step for step in kept if step not in part]
            tries += 1
            if fails(frozenset(rest)):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if parts >= len(kept):
                break
            parts = min(parts * 2, len(kept))
    return kept


def _parts(steps: Sequence[int], number: int) -> Iterable[set[int]]:
    size = -(-len(steps) // number)
    return [set(steps[start : start + size]) for start in range(0, len(steps), size)]
