"""The rules: each looks at a deployment and gives findings. `find` asks all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from emulator.rehearsal.changes import Deployment
from emulator.rehearsal.findings import Finding
from emulator.rehearsal.rules import (
    data,
    event_sources,
    felt,
    keys,
    limits,
    names,
    protection,
    references,
    target_groups,
    unknown,
    updates,
)

Rule = Callable[[Deployment], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    references.findings,
    names.findings,
    data.findings,
    protection.findings,
    updates.findings,
    target_groups.findings,
    event_sources.findings,
    limits.findings,
    keys.findings,
    felt.findings,
    unknown.findings,
)


def find(deployment: Deployment) -> list[Finding]:
    """The findings in the order of the deployment's stacks, those that stop it first."""
    order = {update.name: place for place, update in enumerate(deployment.updates)}
    found = dict.fromkeys(finding for rule in RULES for finding in rule(deployment))
    return sorted(found, key=lambda each: (not each.kind.stops, order.get(each.stack, -1)))
