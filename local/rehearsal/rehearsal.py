"""A rehearsal: both assemblies on an empty account, one after the other, and what the rules say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from local.providers import LocalModeError
from local.rehearsal import functions, rules
from local.rehearsal.account import Live
from local.rehearsal.changes import Deployment
from local.rehearsal.deployment import Attributes, deploy
from local.rehearsal.findings import Finding, Kind
from local.template.assembly import Assembly


@dataclass(frozen=True)
class Rehearsal:
    """`first` are stacks that had better be deployed exclusively, before all others: with them
    first, less is refused or felt. Empty where the usual order is as good."""

    deployment: Deployment
    findings: tuple[Finding, ...]
    called: tuple[functions.Called, ...] = ()
    first: tuple[str, ...] = ()

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
    known = functions.called(wanted) if call_functions else ()
    attributes = _attributes(known)  # of both: what a function answers is taken not to change
    account = deploy({}, deployed, attributes=attributes).account if deployed else {}
    deployment = deploy(account, wanted, attributes=attributes)
    found = [*rules.find(deployment), *(each for one in known for each in one.findings())]
    meant = frozenset(accept)
    for name in meant - {each.what for each in found if each.kind is Kind.DATA}:
        raise LocalModeError(
            f"nothing called {name} holds data and goes: there is no loss to accept"
        )
    findings = tuple(_accepted(each, meant) for each in found)
    first = _better_order(deployment, wanted, attributes)
    return Rehearsal(deployment, findings, known, first)


def _attributes(called: Iterable[functions.Called]) -> Attributes:
    known: Mapping[tuple[str, str], Mapping[str, Any]] = {
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
    deployment: Deployment, wanted: Assembly, attributes: Attributes
) -> tuple[str, ...]:
    """The one stack that had better go first, alone: for a change that takes something away, the
    stacks that use it lead."""
    account = deployment.updates[0].account if deployment.updates else {}
    best: tuple[str, ...] = ()
    least = _weight(deployment)
    for update in deployment.updates[1:]:
        if update.before is None or update.skipped:
            continue
        tried = deploy(account, wanted, first=(update.name,), attributes=attributes)
        weight = _weight(tried)
        if weight < least:
            best, least = (update.name,), weight
    return best


def _weight(deployment: Deployment) -> tuple[int, int]:
    kinds = [finding.kind for finding in rules.find(deployment)]
    return sum(kind.stops for kind in kinds), kinds.count(Kind.FELT)
