"""The check of the leaseholder: any other connection of the device gets an error and is closed."""

import json
import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.connections import Connections, Outcome, Post
from lambdas.presence.devices import Device, Devices
from lambdas.presence.leaseholder import close
from lambdas.websocket import cut_off
from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend

MESSAGE_ID = "123e4567-e89b-12d3-a456-426614174000"
FRAMES: dict[str, dict[str, Any]] = {
    "send": {"message_id": MESSAGE_ID, "alg": "megolm.v1", "payload": "aGk"},
    "sync": {},
    "receipt": {"delivered": 1, "senders": ["raju"]},
    "typing": {},
    "watch": {"users": ["raju"]},
    "ping": {},
}
IN_A_CHAT = ("send", "receipt", "typing")


def _removed(world: Backend) -> None:
    given.no_device(world.aws.users, "ravi", "phone")


def _removed_and_registered_again(world: Backend) -> None:
    _removed(world)
    Devices(world.aws.users).register("ravi", "phone")


def _removed_and_connected_again(world: Backend) -> None:
    _removed_and_registered_again(world)
    given.connected(world, "ravi", "phone")


def _replaced_by_a_newer_connection(world: Backend) -> None:
    given.connected(world, "ravi", "phone")


POSITION = re.compile(r"(seq|message|call)[0-9]*")  # attributes of a head

LOST: list[tuple[Callable[[Backend], None], str]] = [
    (_removed, "forbidden"),
    (_removed_and_registered_again, "conflict"),
    (_removed_and_connected_again, "conflict"),
    (_replaced_by_a_newer_connection, "conflict"),
]


@pytest.fixture
def chat(world: Backend) -> str:
    given.online(world, "ravi")
    given.online(world, "raju")
    name = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "raju", name)
    return name


def _frame(action: str, chat: str) -> dict[str, Any]:
    within = {"chat": chat} if action in IN_A_CHAT else {}
    return {"action": action, **within, **FRAMES[action]}


@pytest.mark.sampled
@pytest.mark.parametrize("action", FRAMES)
@pytest.mark.parametrize(("lose", "code"), LOST)
def test_a_connection_without_the_lease_does_nothing_and_is_closed(
    world: Backend, chat: str, action: str, lose: Callable[[Backend], None], code: str
) -> None:
    old = world.connections["ravi", "phone"]
    lose(world)
    before = _but_positions(then.everything(world))
    world.api.requests.clear()
    frame = _frame(action, chat)
    response = when.handler_of(action)(events.message("ravi", "phone", old, frame), None)
    assert response == {"statusCode": 200}
    (error,) = world.api.frames(old)
    assert then.is_error(error, code)
    assert error["action"] == action
    assert world.api.closed() == [old]
    assert {each.connection_id for each in world.api.requests} == {old}, "others heard of it"
    assert _but_positions(then.everything(world)) == before
    assert then.pushes(world) == []


def _but_positions(tables: dict[str, Any]) -> Any:
    """Without a void item, the position it closes and who took that: what such a `send` leaves."""
    return {
        table: [
            {name: item[name] for name in item if not POSITION.fullmatch(name)}
            for item in items
            if "void" not in item
        ]
        for table, items in tables.items()
    }


def test_a_send_that_is_rejected_leaves_no_hole(world: Backend, chat: str) -> None:
    old = world.connections["ravi", "phone"]
    _removed(world)
    when.handler_of("send")(events.message("ravi", "phone", old, _frame("send", chat)), None)
    given.user(world, "ravi", "desk")
    given.connected(world, "ravi", "desk")
    assert when.sends(world, "raju", chat)["seq"] == 3
    messages, synced = when.syncs(world, "ravi", "desk")
    assert [message["seq"] for message in messages] == [1, 3]
    assert synced["chats"][chat]["complete_to"] == 3


@pytest.mark.parametrize("action", FRAMES)
def test_a_read_from_before_the_connection_rejects_nobody(
    world: Backend, chat: str, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads that are not consistent may show the device as it was before $connect."""
    consistent_too = Devices.of

    def stale(self: Devices, users: Any, *, consistent: bool = False) -> Any:
        found = consistent_too(self, users, consistent=True)
        return found if consistent else {name: {} for name in found}

    monkeypatch.setattr(Devices, "of", stale)
    event = events.message(
        "ravi", "phone", world.connections["ravi", "phone"], _frame(action, chat)
    )
    response = when.handler_of(action)(event, None)
    body = json.loads(response.get("body", "{}"))
    assert body.get("type") != "error"
    assert world.api.closed() == []


@pytest.mark.parametrize(
    ("outcomes", "connected_at"),
    [
        ([Outcome.GONE, Outcome.GONE, Outcome.DELIVERED], 99_000),  # it was still opening
        ([Outcome.GONE], 80_000),
        ([Outcome.FAILED], 99_000),
    ],
)
def test_a_connection_that_is_still_opening_is_closed_again_until_it_is_open(
    outcomes: list[Outcome], connected_at: int
) -> None:
    closed: list[str] = []

    def close_one(connection_id: str) -> Outcome:
        closed.append(connection_id)
        return outcomes[len(closed) - 1]

    connections = SimpleNamespace(close=close_one)
    aws: Any = SimpleNamespace(connections=connections, now=lambda: 100.0, sleep=lambda _: None)
    close(aws, Device(connection_id="c", connected_at=connected_at))
    assert closed == ["c"] * len(outcomes)


@pytest.mark.parametrize(
    ("posted", "closes"), [(Outcome.DELIVERED, 1), (Outcome.FAILED, 1), (Outcome.GONE, 0)]
)
def test_a_connection_is_cut_off_also_where_its_last_frame_could_not_be_posted(
    posted: Outcome, closes: int
) -> None:
    closed: list[str] = []

    class Api(Connections):
        def __init__(self) -> None:
            """Without a URL."""

        def post_all(self, posts: Sequence[Post], within: float = 0.0) -> list[Outcome]:
            return [posted] * len(posts)

        def close(self, connection_id: str) -> Outcome:
            closed.append(connection_id)
            return Outcome.DELIVERED

    cut_off(Api(), "id", {"type": "displaced"})
    assert closed == ["id"] * closes
