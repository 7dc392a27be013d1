"""The backend in memory: what AWS does between the handlers, and the faults that a test adds."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectTimeoutError

from lambdas.frames import Frame
from lambdas.notifications.push_jobs import PushQueue
from tests.support.backend.backend import Backend
from tests.support.backend.faults import Response, error
from tests.support.backend.gateway import Connection
from tests.support.backend.push_queue import DEDUPLICATION_SECONDS
from tests.support.lambdas.rest import Phone

MESSAGE_ID = "01ARZ3NDEKTSV4RRFFQ69G5FA"


class Story:
    """ravi and raju, each with a phone, and their chat."""

    def __init__(self) -> None:
        self.backend = Backend()
        self.got: dict[str, list[Frame]] = {}
        self.ended: dict[str, list[int]] = {}
        for user in ("ravi", "raju"):
            self.backend.sign_up(user)
            push = {"push": {"platform": "fcm", "token": f"token-of-{user}"}}
            body = Phone(user).registration(**push)
            assert self.call(user, "PUT", "/api/devices/phone", body).status == 200
        made = self.call("ravi", "POST", "/api/chats", {"kind": "direct", "with": "raju"})
        self.chat = made.body["chat"]

    def call(self, user: str, method: str, path: str, body: object = None) -> Response:
        return self.backend.request(method, path, body, token=self.backend.token(user))

    def connect(self, user: str) -> Connection:
        frames = self.got.setdefault(user, [])
        ended = self.ended.setdefault(user, [])
        return self.backend.connect(user, "phone", frames.append, ended.append)

    def frame(self, number: int = 0) -> Frame:
        ids = {"message_id": f"{MESSAGE_ID}{number}", "chat": self.chat}
        return {"action": "send", **ids, "alg": "megolm.v1", "payload": "eA"}

    def types(self, user: str) -> list[str]:
        return [frame["type"] for frame in self.got[user]]


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_message_goes_to_who_is_connected_and_wakes_who_is_not(story: Story) -> None:
    ravi = story.connect("ravi")
    raju = story.connect("raju")
    accepted = story.backend.handle(ravi, story.frame(1))
    assert accepted is not None
    assert accepted["seq"] == 1
    assert story.types("raju") == ["message"]
    assert story.backend.jobs == []
    story.backend.close(raju)
    story.backend.handle(ravi, story.frame(2))
    assert [job.user for job in story.backend.jobs] == ["raju"]
    story.backend.run_push()
    (pushed,) = story.backend.aws.topics.published
    assert pushed.token == "token-of-raju"
    assert pushed.data["message_id"] == f"{MESSAGE_ID}2"
    assert story.backend.aws.queue.waiting == []


def test_the_queue_takes_a_job_once_in_five_minutes(story: Story) -> None:
    ravi = story.connect("ravi")
    for number in (1, 2):
        story.backend.handle(ravi, story.frame(number))
    assert [len(jobs) for jobs in (story.backend.aws.queue.sent, story.backend.jobs)] == [2, 1]
    story.backend.clock.pass_seconds(DEDUPLICATION_SECONDS)
    PushQueue(story.backend.aws.sqs, "").add(list(story.backend.jobs), {})
    assert len(story.backend.jobs) == 2


def test_a_job_that_fails_is_given_up_after_five_times(
    story: Story,
) -> None:
    def sns_is_away(operation: str) -> None:
        if operation == "publish":
            raise ConnectTimeoutError(endpoint_url="sns")

    ravi = story.connect("ravi")
    for number in (1, 2):
        story.backend.handle(ravi, story.frame(number))
    story.backend.faults.before_call = sns_is_away
    for _ in range(5):
        story.backend.run_push()
    assert story.backend.aws.topics.published == []
    assert [each.job.user for each in story.backend.aws.queue.dead] == ["raju"]


def test_the_delivery_watch_nudges_whom_a_post_did_not_reach(story: Story) -> None:
    ravi, _ = story.connect("ravi"), story.connect("raju")
    story.backend.faults.lose("message")
    story.backend.handle(ravi, story.frame(1))
    story.backend.faults.lose_nothing()
    story.backend.run_watch()
    assert story.types("raju") == ["nudge"]


def test_what_every_device_has_is_purged(story: Story) -> None:
    ravi, raju = story.connect("ravi"), story.connect("raju")
    story.backend.handle(ravi, story.frame(1))
    receipt = {"action": "receipt", "chat": story.chat, "delivered": 1, "senders": ["ravi"]}
    for connection in (raju, ravi):
        story.backend.handle(connection, receipt)
    story.backend.run_watch()
    assert story.backend.head(story.chat)["purged_to"] == 1
    assert len(story.backend.messages(story.chat)) == 1  # and it is remembered for tests


def test_a_second_connection_of_a_device_ends_the_first(story: Story) -> None:
    first, second = story.connect("ravi"), story.connect("ravi")
    assert (first.state, second.state) == ("closed", "open")
    assert story.types("ravi") == ["displaced"]
    assert len(story.ended["ravi"]) == 1
    assert story.backend.connections("ravi") == [second]


def test_a_removed_device_loses_its_connection(story: Story) -> None:
    connection = story.connect("ravi")
    story.call("ravi", "DELETE", "/api/devices/phone")
    assert connection.state == "closed"


def test_a_frame_over_the_limit_ends_the_connection(story: Story) -> None:
    ravi = story.connect("ravi")
    story.backend.receive(ravi, "x" * 33_000)
    assert (ravi.state, story.ended["ravi"]) == ("closed", [1009])


@pytest.mark.parametrize(
    ("protocols", "status"),
    [("chat.v1", 401), ("chat.v1, ticket.unknown-unknown-unknown", 403), ("", 401)],
)
def test_a_ticket_is_needed(story: Story, protocols: str, status: int) -> None:
    assert story.backend.open(protocols, print) == status


def test_a_function_can_be_held_and_killed(story: Story) -> None:
    ravi, _ = story.connect("ravi"), story.connect("raju")
    held = story.backend.begin(ravi, story.frame(1))  # it has its position, and no more
    killed = story.backend.begin(ravi, story.frame(2))
    story.backend.resume(killed, kill=True)
    assert story.backend.head(story.chat)["seq"] == 2
    assert story.backend.messages(story.chat) == []
    accepted = story.backend.resume(held)
    assert accepted["seq"] == 1
    assert story.types("raju") == ["message"]


def test_faults_are_put_between_the_handlers_and_a_client(story: Story) -> None:
    faults = story.backend.faults
    faults.may_claim = lambda claimer, address: address != "raju/phone"
    both = {"devices": ["raju/phone", "ravi/phone"]}
    assert story.call("ravi", "POST", "/api/keys/claim", both).status == 200
    one = {"devices": ["raju/phone"]}
    assert story.call("ravi", "POST", "/api/keys/claim", one) == error(
        429, "rate_limited", "too many keys of these devices were claimed"
    )
    faults.failing = [503]
    assert [story.call("ravi", "GET", "/api/chats").status for _ in range(2)] == [503, 200]
    faults.responds = lambda request, truth: Response(200, {"chats": 7})
    assert story.call("ravi", "GET", "/api/chats").body == {"chats": 7}
