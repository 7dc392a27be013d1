"""Changes that a rehearsal can't judge, each reported as a note."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.rehearsal.changes import Act, Deployment
from emulator.rehearsal.findings import Finding, Kind
from emulator.rehearsal.schemas import known


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update, change in deployment.changes(Act.CREATED, Act.CHANGED):
        live = change.resource
        if live.type == "AWS::CloudFormation::Stack":
            yield Finding(
                Kind.NOTE,
                update.name,
                live.name,
                "it is a nested stack, and what is in it was not looked at",
            )
        elif change.act is Act.CHANGED and not known(live.type):
            yield Finding(
                Kind.NOTE,
                update.name,
                live.name,
                f"there is no schema of {live.type}, so its change may also be a replacement",
            )
