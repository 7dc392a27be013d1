"""Findings: what a deployment would run into, or what people would notice of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """REJECTED: CloudFormation or the service rejects it. DATA: something that holds data is
    replaced or dropped. ROLLBACK: a deployment that fails can't be rolled back. FELT: users notice
    it. NOTE: worth knowing."""

    REJECTED = "rejected"
    DATA = "data"
    ROLLBACK = "rollback"
    FELT = "felt"
    NOTE = "note"

    @property
    def stops(self) -> bool:
        return self in (Kind.REJECTED, Kind.DATA, Kind.ROLLBACK)


@dataclass(frozen=True)
class Finding:
    """`what` is the resource, export or output it is about; `sentence` says what happens and
    `advice` what to do, each without the stack's name."""

    kind: Kind
    stack: str
    what: str
    sentence: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.sentence}." + (f" {self.advice}." if self.advice else "")


def grouped(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for all that say the same of a stack's resources, with their names in `what`."""
    names: dict[Finding, list[str]] = {}
    for finding in findings:
        names.setdefault(replace(finding, what=""), []).append(finding.what)
    return [replace(finding, what=", ".join(whats)) for finding, whats in names.items()]
