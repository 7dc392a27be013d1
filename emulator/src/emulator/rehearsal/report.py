"""The report of a rehearsal: one table that is read in ten seconds, or the same as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from emulator.rehearsal.changes import Act, StackUpdate
from emulator.rehearsal.findings import Kind, grouped
from emulator.rehearsal.rehearsal import Rehearsal

WIDTH = 100
SHOWN = 2  # so many names of resources share a line; of more, the first. The JSON has all
TITLES = {
    Kind.REJECTED: "REJECTED",
    Kind.DATA: "DATA THAT GOES",
    Kind.ROLLBACK: "ROLLBACK THAT FAILS",
    Kind.FELT: "FELT BY USERS",
    Kind.NOTE: "WORTH KNOWING",
}
NAMED = (Act.REPLACED, Act.DELETED, Act.RETAINED)  # one by one, in an account that has something


def as_text(rehearsal: Rehearsal, title: str) -> str:
    lines = [title, "", *_stacks(rehearsal), *_changes(rehearsal), *_findings(rehearsal)]
    return "\n".join([*lines, "", *_verdict(rehearsal)]) + "\n"


def as_document(rehearsal: Rehearsal, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "stops": rehearsal.stops,
        "first": list(rehearsal.first),
        "stacks": [_stack_document(update) for update in rehearsal.deployment.updates],
        "left": [stack.name for stack in rehearsal.deployment.left],
        "findings": [
            {
                "kind": str(finding.kind),
                "stack": finding.stack,
                "what": finding.what,
                "sentence": finding.sentence,
                "advice": finding.advice,
            }
            for finding in rehearsal.findings
        ],
        "functions": [
            {"resource": called.resource.name, "calls": called.calls} for called in rehearsal.called
        ],
    }


def _stack_document(update: StackUpdate) -> dict[str, Any]:
    return {
        "name": update.name,
        "skipped": update.skipped,
        "changes": [
            {
                "act": str(change.act),
                "type": change.resource.type,
                "logical_id": change.resource.logical_id,
                "properties": list(change.properties),
                "because": list(change.because),
            }
            for change in update.changes
        ],
    }


def _stacks(rehearsal: Rehearsal) -> Iterator[str]:
    updates = rehearsal.deployment.updates
    width = max((len(update.name) for update in updates), default=0)
    yield f"  {'stack'.ljust(width)}" + "".join(f"{act:>10}" for act in Act)
    for update in updates:
        if update.skipped:
            yield f"  {update.name.ljust(width)}  stays as it is"
            continue
        counts = (sum(change.act is act for change in update.changes) for act in Act)
        yield f"  {update.name.ljust(width)}" + "".join(f"{count or '-':>10}" for count in counts)
    for stack in rehearsal.deployment.left:
        yield f"  {stack.name.ljust(width)}  no longer part of the app; left as it is"


def _changes(rehearsal: Rehearsal) -> Iterator[str]:
    alike: dict[tuple[Act, str, tuple[str, ...], str], list[str]] = {}
    for update, change in rehearsal.deployment.changes(*NAMED):
        key = (change.act, update.name, change.because, change.resource.type)
        alike.setdefault(key, []).append(change.resource.name)
    if alike:
        yield ""
    for (act, stack, because, kind), names in alike.items():
        few = len(names) <= SHOWN
        shown = ", ".join(names) if few else f"{names[0]} and {len(names) - 1} more"
        why = f" ({', '.join(because)})" if because else ""
        yield f"  {act:<9} {_short(stack)}  {shown}{why}, {kind.removeprefix('AWS::')}"


def _findings(rehearsal: Rehearsal) -> Iterator[str]:
    for kind, title in TITLES.items():
        found = [finding for finding in rehearsal.findings if finding.kind is kind]
        if found:
            yield f"\n{title}"
        for finding in grouped(found):
            yield textwrap.fill(
                f"{_short(finding.stack)}  {finding}".strip(),
                WIDTH,
                initial_indent="  ",
                subsequent_indent="      ",
                break_on_hyphens=False,
            )


def _verdict(rehearsal: Rehearsal) -> Iterator[str]:
    for called in rehearsal.called:
        if not called.calls:
            continue
        yield (
            f"{called.resource.name}: its function was called {called.calls} times, with creation, "
            "failing update, rollback and deletion."
        )
    if rehearsal.first:
        stacks = " and ".join(_short(name).capitalize() for name in rehearsal.first)
        alone = f"{stacks} alone (cdk deploy --exclusively)"
        stays = f" {rehearsal.first_stops} of the findings stay." if rehearsal.first_stops else ""
        yield f"Two deployments go better: first {alone}, then all.{stays}"
    if rehearsal.stops:
        stops = sum(finding.kind.stops for finding in rehearsal.findings)
        yield f"NOT READY: {stops} finding{'s' if stops > 1 else ''} to clear up before deploying."
    else:
        yield "READY: nothing is rejected, no data goes, and a failure can be rolled back."


def _short(stack: str) -> str:
    return stack.rpartition("-")[2]
