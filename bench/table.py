"""Rows of a benchmark and how they are printed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One measured figure beside its budget; `met` is None where there is no budget."""

    what: str
    measured: str
    budget: str = ""
    met: bool | None = None


def within(what: str, value: float, limit: float, unit: str, form: str = ".2f") -> Row:
    """A row whose budget is an upper limit."""
    return Row(what, f"{value:{form}} {unit}", f"≤ {limit:g} {unit}", value <= limit)


def render(title: str, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [f"### {title}", "", "| what | measured | budget | |", "|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.measured} | {row.budget} | {_verdict(row.met)} |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def _verdict(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "**no**"


def quantile(values: Sequence[float], share: float) -> float:
    """The nearest-rank quantile of `values`."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
