"""The table of a run: for each service the number of mutants by their results."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tools.mutants.mutant import Mutant

OUTCOMES = ("killed", "survived", "no test", "not applied", "not tried")


def table(mutants: Sequence[Mutant], outcomes: Mapping[str, str]) -> str:
    counts: dict[str, Counter[str]] = {}
    for mutant in mutants:
        row = counts.setdefault(_service(mutant.path), Counter())
        row[outcomes.get(mutant.key, "not tried")] += 1
    lines = ["| part | mutants | " + " | ".join(OUTCOMES) + " |", "|---" * 7 + "|"]
    total: Counter[str] = Counter()
    for service, row in sorted(counts.items()):
        lines.append(_line(service, row))
        total += row
    return "\n".join([*lines, _line("all", total)])


def _service(path: str) -> str:
    return "/".join(path.split("/")[:2])


def _line(name: str, row: Counter[str]) -> str:
    cells = [sum(row.values()), *(row[each] for each in OUTCOMES)]
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"
