"""What a rehearsal prints: one table that is read in ten seconds, or the same as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from emulator.rehearsal.changes import Act, StackUpdate
from emulator.rehearsal.findings import Kind
from emulator.rehearsal.rehearsal import Rehearsal

WIDTH = 100
TITLES = {
    Kind.REFUSED: "REFUSED",
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
    width = max(len(update.name) for update in updates)
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
    named = list(rehearsal.deployment.changes(*NAMED))
    if named:
        yield ""
    for update, change in named:
        why = f" ({', '.join(change.because)})" if change.because else ""
        kind = change.resource.type.removeprefix("AWS::")
        yield f"  {change.act:<9} {_short(update.name)}  {change.resource.name}{why}, {kind}"


def _findings(rehearsal: Rehearsal) -> Iterator[str]:
    for kind, title in TITLES.items():
        found = [finding for finding in rehearsal.findings if finding.kind is kind]
        if found:
            yield f"\n{title}"
        alike: dict[tuple[str, str, str], list[str]] = {}
        for finding in found:
            alike.setdefault((finding.stack, finding.sentence, finding.advice), []).append(
                finding.what
            )
        for (stack, sentence, advice), names in alike.items():
            text = f"{_short(stack)}  {', '.join(names)}: {sentence}. {advice}"
            yield textwrap.fill(
                text.strip(),
                WIDTH,
                initial_indent="  ",
                subsequent_indent="      ",
                break_on_hyphens=False,
            )


def _verdict(rehearsal: Rehearsal) -> Iterator[str]:
    for called in rehearsal.called:
        yield (
            f"{called.resource.name}: its function was called {called.calls} times, with creation, "
            "failing update, rollback and deletion."
        )
    if rehearsal.first:
        names = " and ".join(rehearsal.first)
        yield f"Two deployments go better: first {names} alone (--exclusively), then all."
    if rehearsal.stops:
        stops = sum(finding.kind.stops for finding in rehearsal.findings)
        yield f"NOT READY: {stops} finding{'s' if stops > 1 else ''} to clear up before deploying."
    else:
        yield "READY: nothing is refused, no data goes, and a failure can be rolled back."


def _short(stack: str) -> str:
    return stack.rpartition("-")[2]
