"""The changes that a deployment makes to each resource of each stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from emulator.rehearsal.account import Account, DeployedStack, Live


class Act(StrEnum):
    """RETAINED is a resource that leaves the template and stays in the account."""

    CREATED = "created"
    CHANGED = "changed"
    REPLACED = "replaced"
    DELETED = "deleted"
    RETAINED = "retained"


@dataclass(frozen=True)
class Change:
    """`properties` are the names of those that differ; `because` those that make it a
    replacement."""

    act: Act
    before: Live | None
    after: Live | None
    properties: tuple[str, ...] = ()
    because: tuple[str, ...] = ()

    @property
    def resource(self) -> Live:
        """The resource as it will be, or as it was where it goes."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a change is of a resource")
        return found


@dataclass(frozen=True)
class StackUpdate:
    """One stack's part in a deployment. `account` is the account just before it: who imports what
    is decided by the templates that are deployed then.

    `skipped` is a stack whose template did not change: `cdk deploy` leaves it as it is.
    """

    account: Account
    before: DeployedStack | None
    after: DeployedStack
    changes: tuple[Change, ...]
    problems: tuple[str, ...] = ()
    skipped: bool = False

    @property
    def name(self) -> str:
        return self.after.name

    def of(self, *acts: Act) -> Iterator[Change]:
        return (change for change in self.changes if change.act in acts)


@dataclass(frozen=True)
class Deployment:
    """`updates` in the order in which they are carried out. `left` are stacks that are no longer
    part of the app: `cdk deploy` does not touch them."""

    updates: tuple[StackUpdate, ...]
    left: tuple[DeployedStack, ...]
    account: Account  # afterwards

    def changes(self, *acts: Act) -> Iterator[tuple[StackUpdate, Change]]:
        for update in self.updates:
            for change in update.of(*acts):
                yield update, change
