"""A rehearsal: both assemblies on an empty account, one after the other, and what the rules say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from emulator.providers import EmulatorError
from emulator.rehearsal import functions, rules
from emulator.rehearsal.account import Live
from emulator.rehearsal.changes import Deployment
from emulator.rehearsal.deployment import Attributes, deploy
from emulator.rehearsal.findings import Finding, Kind
from emulator.rehearsal.rules.references import importers_of_removed_exports
from emulator.template.assembly import Assembly
from emulator.template.place import Place


@dataclass(frozen=True)
class Rehearsal:
    """`first` are stacks that had better be deployed by themselves, before all: less is rejected or
    felt then, and `first_stops` findings still stop it. Empty where the usual order is as good."""

    deployment: Deployment
    findings: tuple[Finding, ...]
    called: tuple[functions.Called, ...] = ()
    first: tuple[str, ...] = ()
    first_stops: int = 0

    @property
    def stops(self) -> bool:
        return any(finding.kind.stops for finding in self.findings)


def rehearse(
    deployed: Assembly | None,
    wanted: Assembly,
    *,
    call_functions: bool = True,
    accept: Iterable[str] = (),
) -> Rehearsal:
    """`deployed` is what stands in the account, None for an empty one. `accept` are the names of
    resources whose loss is meant.

    `call_functions` really calls the functions of custom resources; without, their attributes
    are unknown.
    """
    stacks = (*wanted.stacks, *(deployed.stacks if deployed else ()))
    default_place = Place.first_known(stack.environment for stack in stacks)
    known = functions.called(wanted, default_place) if call_functions else ()
    attributes = _attributes(known)  # of both: a function's response is taken not to change
    carry_out = partial(deploy, default_place=default_place, attributes=attributes)
    account = carry_out({}, deployed).account if deployed else {}
    deployment = carry_out(account, wanted)
    found = [*rules.find(deployment), *(each for one in known for each in one.findings())]
    meant = frozenset(accept)
    for name in meant - {each.what for each in found if each.kind is Kind.DATA}:
        raise EmulatorError(
            f"nothing called {name} holds data and goes: there is no loss to accept"
        )
    findings = tuple(_accepted(each, meant) for each in found)
    first, first_stops = _better_order(deployment, partial(carry_out, account, wanted))
    return Rehearsal(deployment, findings, known, first, first_stops)


def _attributes(called: Iterable[functions.Called]) -> Attributes:
    known: Mapping[tuple[str, str], Mapping[str, Any] | None] = {
        (each.resource.stack, each.resource.logical_id): each.attributes for each in called
    }

    def attributes(live: Live) -> Mapping[str, Any] | None:
        return known.get((live.stack, live.logical_id))

    return attributes


def _accepted(finding: Finding, accept: frozenset[str]) -> Finding:
    if finding.kind is Kind.DATA and finding.what in accept:
        return replace(finding, kind=Kind.NOTE, advice="Accepted")
    return finding


def _better_order(
    deployment: Deployment, carry_out: Callable[..., Deployment]
) -> tuple[tuple[str, ...], int]:
    """The stacks that had better go first, by themselves: those that use what is taken away; and
    how many findings stop even that."""
    changed = [each.name for each in deployment.updates if each.before and not each.skipped]
    best: tuple[str, ...] = ()
    least = _weight(deployment)
    for first in (
        *((name,) for name in changed[1:]),
        tuple(importers_of_removed_exports(deployment)),
    ):
        weight = _weight(carry_out(first=first))
        if weight < least:
            best, least = first, weight
    return best, least[0]


def _weight(deployment: Deployment) -> tuple[int, int]:
    kinds = [finding.kind for finding in rules.find(deployment)]
    return sum(kind.stops for kind in kinds), kinds.count(Kind.FELT)
