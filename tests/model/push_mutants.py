"""Plausible mistakes around pushes: a rule of waking that is left out, one in each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lambdas.delivery import delivery_watch, ringing
from lambdas.messages.heads import Head
from lambdas.messages.message import is_text_for
from lambdas.notifications import push_jobs
from lambdas.notifications.push_jobs import Job, RingItems, Rings
from lambdas.tables import Item
from tests.model.mutant import Mutant

_plan, _record = ringing.plan, RingItems.record


def _one_id_for_a_chat(job: Job, _generation: int) -> str:
    return job.group


def _without_devices(body: str) -> Job:
    return _from_body(body)._replace(devices=())


_from_body = Job.from_body


def _hidden_too(item: Item, user: str, device: str | None = None) -> bool:
    return is_text_for({**item, "hidden": False}, user, device)


def _for_everybody(item: Item, user: str, _device: str | None = None) -> bool:
    return is_text_for(item, user)


def _whatever_was_read(
    rings: Rings,
    head: Head | None,
    devices: ringing.Devices,
    items: Sequence[Item],
    *rest: Any,
    quiet: bool,
) -> ringing.Plan:
    return _plan(rings, head and replace(head, read=0), devices, items, *rest, quiet=quiet)


def _whatever_was_delivered(
    rings: Rings,
    head: Head | None,
    devices: ringing.Devices,
    items: Sequence[Item],
    *rest: Any,
    quiet: bool,
) -> ringing.Plan:
    return _plan(rings, head and replace(head, delivered={}), devices, items, *rest, quiet=quiet)


def _forgets(self: RingItems, user: str, chat: str, rings: Rings) -> None:
    _record(self, user, chat, replace(rings, seq=0, devices={}, recent={}))


def _by_place(item: Item) -> str:
    return str(item["item"])


def _takes_nothing_back(*_: Any) -> None:
    return None


def _of_the_watch_too(
    aws: Any, chat: str, lacking: Mapping[str, Mapping[str, Collection[int]]]
) -> list[Job]:
    return push_jobs.wake(aws, chat, dict.fromkeys(lacking, ()))


PUSH_MUTANTS = (
    Mutant("nobody_is_woken", delivery_watch, "_wake", lambda *_: set(), "not woken"),
    Mutant("jobs_have_one_id", Job, "deduplication_id", _one_id_for_a_chat, "not woken|counts"),
    Mutant("jobs_name_no_devices", Job, "from_body", _without_devices, "not woken"),
    Mutant("hidden_messages_ring", ringing, "is_text_for", _hidden_too, "does not show|counts"),
    Mutant("every_device_rings", ringing, "is_text_for", _for_everybody, "does not show|counts"),
    Mutant("what_was_read_rings", ringing, "plan", _whatever_was_read, "was read|counts"),
    Mutant("what_is_there_rings", ringing, "plan", _whatever_was_delivered, "is there"),
    Mutant("what_rang_is_forgotten", RingItems, "record", _forgets, "twice"),
    Mutant("sent_again_rings_again", ringing, "_digest", _by_place, "counts|twice"),
    Mutant("nothing_is_taken_back", push_jobs, "take_back", _takes_nothing_back, "shows|counts"),
    Mutant("the_watch_names_no_device", push_jobs, "wake_lacking", _of_the_watch_too, "not woken"),
)
