"""The templates that made the persisted state, saved beside it, and what today's would replace.

On the laptop everything is made anew at each start and the persisted items are put back, so a
change to which AWS would respond with a new, empty table goes unnoticed there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator.providers import EmulatorError
from emulator.rehearsal.changes import Act
from emulator.rehearsal.findings import grouped
from emulator.rehearsal.rehearsal import rehearse
from emulator.template.assembly import Assembly, Stack

SHOWN = 5  # names of replaced resources; `rehearse` shows all


class PersistedTemplates:
    """One file per environment in the directory of the persisted state."""

    def __init__(self, directory: Path, env: str) -> None:
        self._file = directory / f"{env}.templates.json"

    def compared(self, wanted: Assembly) -> Iterator[str]:
        """The changes that a deployment would make and a start on the laptop does not, a line
        each."""
        if not self._file.is_file():
            return
        try:
            persisted = Assembly(tuple(map(_stack, json.loads(self._file.read_text("utf-8")))))
            if [each.template for each in persisted.stacks] == [
                each.template for each in wanted.stacks
            ]:
                return
            result = rehearse(persisted, wanted, call_functions=False)
        except (EmulatorError, ValueError, TypeError) as error:
            yield f"the templates that made the persisted state can't be compared: {error}"
            return
        replaced = [change.resource.name for _, change in result.deployment.changes(Act.REPLACED)]
        if replaced:
            more = f" and {len(replaced) - SHOWN} more" if len(replaced) > SHOWN else ""
            yield f"on AWS this would replace {', '.join(replaced[:SHOWN])}{more}"
        for group in grouped(each for each in result.findings if each.kind.stops):
            yield f"on AWS, {group.kind}: {group}"

    def write(self, made: Assembly) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        documents = [
            {
                "name": stack.name,
                "environment": stack.environment,
                "depends_on": list(stack.depends_on),
                "template": stack.template,
            }
            for stack in made.stacks
        ]
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(documents), encoding="utf-8")
        beside.replace(self._file)


def _stack(document: dict[str, Any]) -> Stack:
    return Stack(**document)
