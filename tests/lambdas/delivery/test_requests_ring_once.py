"""A stranger's request, from REST over the queue to SNS: it rings once until it is decided."""

from typing import Any

import pytest

from tests.support.backend.backend import Backend
from tests.support.backend.gateway import Connection
from tests.support.lambdas.rest import Phone

MESSAGE_ID = "01ARZ3NDEKTSV4RRFFQ69G5FA"
PAUSE_SECONDS = 400.0  # more than SQS keeps a deduplication id


class Strangers:
    """ravi has begun a chat with raju, who is away and has a phone."""

    def __init__(self) -> None:
        self.backend = Backend()
        self.backend.acquainted = False
        for user in ("ravi", "raju"):
            self.backend.sign_up(user)
            body = Phone(user).registration(push={"platform": "fcm", "token": f"token-of-{user}"})
            assert self.call(user, "PUT", "/api/devices/phone", body) == 200
        body = {"kind": "direct", "with": "raju"}
        token = self.backend.token("ravi")
        self.chat = self.backend.request("POST", "/api/chats", body, token=token).body["chat"]
        self._count = 0

    def call(self, user: str, method: str, path: str, body: object = None) -> int:
        return self.backend.request(method, path, body, token=self.backend.token(user)).status

    def connect(self, user: str) -> Connection:
        return self.backend.connect(user, "phone", lambda _: None, lambda _: None)

    def sends(self, connection: Connection, count: int = 1) -> None:
        """Texts, each some minutes after the one before, with all that runs in between."""
        for _ in range(count):
            self.send(connection)
            self.passes()

    def send(self, connection: Connection) -> None:
        self._count += 1
        ids = {"message_id": f"{MESSAGE_ID}{self._count}", "chat": self.chat}
        frame = {"action": "send", **ids, "alg": "megolm.v1", "payload": "eA"}
        accepted = self.backend.handle(connection, frame)
        assert accepted is not None and accepted["type"] == "accepted"

    def passes(self) -> None:
        for _ in range(3):
            self.backend.run_push()
            self.backend.run_watch()
            self.backend.clock.pass_seconds(PAUSE_SECONDS)

    def rings(self, user: str) -> int:
        published = self.backend.aws.topics.published
        return sum(
            each.token == f"token-of-{user}" and "message_id" in each.data for each in published
        )


def test_a_request_rings_once_however_much_the_stranger_sends() -> None:
    world = Strangers()
    ravi = world.connect("ravi")
    world.sends(ravi, 5)
    assert world.rings("raju") == 1


def test_a_request_that_was_only_shown_rings_with_what_comes_after_it() -> None:
    world = Strangers()
    ravi = world.connect("ravi")
    world.send(ravi)
    raju = world.connect("raju")  # before the job runs
    world.backend.run_push()
    frame = {"action": "receipt", "chat": world.chat, "senders": ["ravi"], "delivered": 1}
    assert world.backend.handle(raju, frame) is None
    world.passes()
    assert world.rings("raju") == 0, "raju has it on the screen"
    world.backend.close(raju)
    world.sends(ravi, 3)
    assert world.rings("raju") == 1


def test_what_comes_after_it_was_accepted_rings() -> None:
    world = Strangers()
    ravi = world.connect("ravi")
    world.sends(ravi, 3)
    assert world.call("raju", "POST", f"/api/chats/{world.chat}/accept") == 200
    world.passes()
    world.sends(ravi, 2)
    assert world.rings("raju") == 3


def test_what_comes_after_it_was_answered_rings() -> None:
    world = Strangers()
    ravi = world.connect("ravi")
    world.sends(ravi)
    raju = world.connect("raju")
    world.sends(raju)
    world.backend.close(raju)
    world.sends(ravi)
    assert world.rings("raju") == 2


def test_a_declined_request_never_rings_again() -> None:
    world = Strangers()
    ravi = world.connect("ravi")
    world.sends(ravi)
    assert world.call("raju", "POST", f"/api/chats/{world.chat}/decline") == 200
    world.sends(ravi, 3)
    assert world.rings("raju") == 1


def test_a_request_of_a_user_who_takes_none_is_not_begun() -> None:
    world = Strangers()
    world.backend.sign_up("mira")
    assert world.call("raju", "PUT", "/api/settings", {"requests": "nobody"}) == 200
    body = {"kind": "direct", "with": "raju"}
    assert world.call("mira", "POST", "/api/chats", body) == 403
    assert world.rings("raju") == 0


def test_a_request_whose_push_failed_has_not_rung_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Strangers()
    ravi = world.connect("ravi")
    sns: Any = world.backend.aws.topics
    with monkeypatch.context() as patch:
        patch.setattr(sns, "publish", lambda **_: 1 / 0)
        world.send(ravi)
        world.backend.run_push()
    world.passes()
    assert world.rings("raju") == 1
