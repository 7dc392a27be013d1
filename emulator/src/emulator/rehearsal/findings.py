"""Findings: what a deployment would run into, or what people would notice of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """REFUSED: CloudFormation or the service refuses it. DATA: something that holds data is
    replaced or dropped. ROLLBACK: a deployment that fails can't be rolled back. FELT: users notice
    it. NOTE: worth knowing."""

    REFUSED = "refused"
    DATA = "data"
    ROLLBACK = "rollback"
    FELT = "felt"
    NOTE = "note"

    @property
    def stops(self) -> bool:
        return self in (Kind.REFUSED, Kind.DATA, Kind.ROLLBACK)


@dataclass(frozen=True)
class Finding:
    """`what` is the resource, export or output it is about; `sentence` says what happens and
    `advice` what to do, each without the stack's name."""

    kind: Kind
    stack: str
    what: str
    sentence: str
    advice: str = ""
