"""What one version leaves to another: items, push jobs and frames; a program for either of them.

`python handover.py write FILE` lets people chat by the handlers that are on the path, and writes what
stands in tables and queue afterwards. `python handover.py read FILE` goes on from there with the
handlers on its path. `exchange.py` runs it in the folders of two versions, so it has nothing of its
own folder but itself: `lambdas` and `tests.support` are those of the version.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend, backend, cloud
from tests.support.lambdas.phones import Phones

Left = dict[str, Any]
NOW = 1_800_000_000.0
PEOPLE = ("ravi", "raju", "zoe", "mira")
GONE_FOR = 60.0  # seconds between the two


def write(world: Backend) -> Left:
    """raju's phone was away while ravi and zoe wrote; his tablet has some of it. mira was away."""
    world.clock.time = NOW
    given.online(world, "ravi")
    given.online(world, "zoe")
    given.user(world, "raju", "phone", "tablet")
    given.user(world, "mira", "phone")
    given.contacts(world, "ravi", "raju", "zoe", "mira")
    given.connected(world, "raju", "tablet")
    chat, group = given.direct_chat(world, "ravi", "raju"), given.group(world, *PEOPLE)
    for number in range(1, 4):
        when.sends(world, "ravi", chat, payload=f"text {number}")
    when.sends(world, "zoe", group, payload="to all")
    when.acknowledges(world, "raju", chat, "tablet", delivered=2, read=1)
    messages, synced = when.syncs(world, "raju", "tablet")
    connections = sorted(world.connections)
    return {
        "chat": chat,
        "group": group,
        "items": then.everything(world),
        "jobs": then.pushes(world),
        "frames": [frame for each in connections for frame in world.frames(*each)] + [synced],
        "texts": sorted(frame["payload"] for frame in messages),
    }


def read(world: Backend, left: Left) -> None:
    """Goes on with what is left. Raises AssertionError where it is not understood."""
    world.clock.time = NOW + GONE_FOR
    for table, items in left["items"].items():
        for item in items:
            world.aws.dynamodb.put_item(TableName=table, Item=item)
    for frame in left["frames"]:
        then.valid(frame)
    for check in (_jobs_ring, _the_watch_reads, _who_was_away_gets_all, _the_chat_goes_on):
        check(world, left)


def _jobs_ring(world: Backend, left: Left) -> None:
    phones = Phones(world)
    for number, job in enumerate(left["jobs"]):
        world.aws.sqs.send_message(
            QueueUrl=world.queue_url,
            MessageBody=json.dumps(job),
            MessageGroupId=f"{job['user']}#{job['chat']}",
            MessageDeduplicationId=str(number),
        )
    assert len(phones.run()) == len(left["jobs"]) > 0
    assert phones.rings("mira"), "no job of the other version rang"


def _the_watch_reads(world: Backend, left: Left) -> None:
    """Records of messages that the other version stored."""
    stored = [each for each in left["items"]["Chats"] if each["item"]["S"].startswith("message#")]
    records = [events.stream_record("INSERT", 0, new={"chat": "c", "item": "i"}) for _ in stored]
    for number, (record, item) in enumerate(zip(records, stored, strict=True)):
        keys = {name: item[name] for name in ("chat", "item")}
        record["dynamodb"] |= {"Keys": keys, "NewImage": item, "SequenceNumber": str(number)}
    assert len(records) > 3
    assert when.delivery_watch_runs(world, *records) == []


def _who_was_away_gets_all(world: Backend, left: Left) -> None:
    for name in ("ravi", "zoe"):
        given.connected(world, name, "phone")
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju", chats={left["chat"]: 0, left["group"]: 0})
    assert sorted(frame["payload"] for frame in messages) == [
        *("text 1", "text 2", "text 3", "to all")
    ]
    marks = synced["chats"][left["chat"]]["members"]["raju"]
    assert (marks["delivered"], marks["read"]) >= (2, 1), "the tablet's watermarks are lost"


def _the_chat_goes_on(world: Backend, left: Left) -> None:
    marks: dict[str, Any] = {"delivered": 3, "read": 3}
    assert when.acknowledges(world, "raju", left["chat"], senders=["ravi"], **marks) is None
    receipts = [each for each in world.frames("ravi", "phone") if each["type"] == "receipt"]
    assert any(each["user"] == "raju" and each["read"] == 3 for each in receipts)
    accepted = when.sends(world, "raju", left["chat"], payload="text 4")
    assert (accepted["type"], accepted["seq"]) == ("accepted", 4)
    (posted,) = [each for each in world.frames("ravi", "phone") if each["type"] == "message"]
    assert posted["payload"] == "text 4"


def _run(act: Callable[[Backend], Any]) -> Any:
    with cloud() as clients, backend(*clients) as world:
        return act(world)


def main(verb: str, file: Path) -> None:
    if verb == "write":
        left = _run(write)
        file.write_text(json.dumps(left, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    else:
        left = json.loads(file.read_text(encoding="utf-8"))
        _run(lambda world: read(world, left))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
