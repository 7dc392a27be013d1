"""What a version before left is understood by this one. `make versions` tries it both ways."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.lambdas.backend import Backend
from tests.versions import handover

LEFT = Path(__file__).with_name("left.json")


@pytest.fixture
def left() -> handover.Left:
    """As the first version wrote it. It is never recorded anew: a version that can't read it can't
    read what stands in a table that is not empty."""
    found: handover.Left = json.loads(LEFT.read_text(encoding="utf-8"))
    return found


def test_what_the_first_version_left_is_understood(world: Backend, left: handover.Left) -> None:
    handover.read(world, left)


def test_what_this_version_leaves_it_understands(world: Backend) -> None:
    handover.read(world, json.loads(json.dumps(handover.write(world))))


def _without(kind: str, attribute: str) -> Callable[[handover.Left], None]:
    def take(left: handover.Left) -> None:
        for items in left["items"].values():
            for item in items:
                if item.get("item", {}).get("S", "").startswith(kind):
                    item.pop(attribute, None)

    return take


def _job_of_another_form(left: handover.Left) -> None:
    left["jobs"] = [{"who": each["user"], "chat": each["chat"]} for each in left["jobs"]]


def _frame_of_another_form(left: handover.Left) -> None:
    left["frames"].append({"type": "receipt", "chat": 7})


CHANGES: dict[str, Callable[[handover.Left], Any]] = {
    "a message loses its payload": _without("message#", "payload"),
    "a message loses its sender": _without("message#", "sender"),
    "a head loses its seq": _without("head", "seq"),
    "a job changes its form": _job_of_another_form,
    "a frame changes its form": _frame_of_another_form,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_not_understood_is_noticed(
    world: Backend, left: handover.Left, change: str
) -> None:
    CHANGES[change](left)
    with pytest.raises(Exception):  # noqa: B017 - however the reader fails
        handover.read(world, left)
