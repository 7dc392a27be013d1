"""What is recorded of rings, and which jobs it leads to; over a table in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.notifications import push_jobs
from lambdas.notifications.push_jobs import WAKING_SECONDS, Job, RingItems, Rings, Unread
from lambdas.notifications.quiet import is_quiet
from lambdas.tables import ConditionFailed, Table, user_key
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES

NOW = 1_795_000_000.0
LATER = int(NOW) + 60


@pytest.fixture
def users() -> Table:
    return Table(DynamoDB(TABLES), "Users")  # type: ignore[arg-type] # stands in for the client


@pytest.fixture
def queued(users: Table, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[Job]]:
    """An Aws over the table, and the jobs that it gets."""
    jobs: list[Job] = []
    monkeypatch.setattr(push_jobs.PushQueue, "add", lambda _self, new, _begun: jobs.extend(new))
    aws = SimpleNamespace(
        users=users, now=lambda: NOW, sqs=None, settings={"PUSH_QUEUE_URL": ""}, looked_at={}
    )
    return aws, jobs


def _record(users: Table, user: str, chat: str = "c", *, at: float = 0, **unread: Unread) -> Rings:
    store = RingItems(users)
    begun = store.begin(user, chat, NOW, LATER)
    rings = Rings(begun.begun, begun.begun, 9, 0, unread, {"x": 9}, int(at * 1000))
    store.record(user, chat, rings)
    return rings


def test_a_run_is_counted_and_finds_what_the_one_before_recorded(users: Table) -> None:
    store = RingItems(users)
    assert store.begin("raju", "c", NOW, LATER) == Rings(begun=1)
    recorded = Rings(1, 1, 7, 5, {"phone": Unread((3,), (4, 7)), "desk": Unread()}, {"x": 7}, 6)
    store.record("raju", "c", recorded)
    without_empty = replace(recorded, devices={"phone": Unread((3,), (4, 7))})
    assert store.of(["raju", "mira"], "c") == {"raju": without_empty}
    assert store.begin("raju", "c", NOW, LATER + 9) == replace(without_empty, begun=2)
    item = users.get(user_key("raju", "rings#c"), consistent=True)
    assert item and item["expires_at"] == LATER + 9


def test_who_queues_a_job_reads_how_many_runs_have_begun_and_who_was_looked_at(
    users: Table,
) -> None:
    _record(users, "raju", at=NOW, phone=Unread((1,), ()))
    RingItems(users).begin("raju", "c", NOW, LATER)
    found = RingItems(users).begun_of(["raju", "mira"], "c")
    assert found == {"raju": Rings(begun=2, looked_at=int(NOW * 1000))}
    job = Job("raju", "c")
    assert len({job.deduplication_id(begun) for begun in (0, 1, 2)}) == 3


def test_what_has_expired_is_forgotten_and_its_count_goes_on(users: Table) -> None:
    _record(users, "raju", phone=Unread((1,), ()))
    assert RingItems(users).begin("raju", "c", LATER - 1, LATER).devices
    assert RingItems(users).begin("raju", "c", LATER, LATER + 9) == Rings(begun=3, done=1)


def test_a_run_that_another_one_has_overtaken_records_nothing(users: Table) -> None:
    store = RingItems(users)
    first = store.begin("raju", "c", NOW, LATER)
    store.begin("raju", "c", NOW, LATER)
    with pytest.raises(ConditionFailed):
        store.record("raju", "c", replace(first, seq=9))
    assert store.of(["raju"], "c")["raju"] == Rings(begun=2)


def test_the_badge_counts_the_other_chats_that_have_not_expired(users: Table) -> None:
    store = RingItems(users)
    _record(users, "raju", "c", phone=Unread((1,), (2,)))
    _record(users, "raju", "d", phone=Unread((1,), (2, 3)), desk=Unread((4,), ()))
    _record(users, "raju", "e", phone=Unread((), (5,)))
    assert store.unread("raju", "c", NOW) == {"phone": 4, "desk": 1}
    assert store.unread("raju", "d", NOW) == {"phone": 3}
    assert store.unread("raju", "x", LATER) == {}
    assert store.unread("raju", "x", LATER - 1) == {"phone": 6, "desk": 1}


@pytest.mark.parametrize(("ago", "jobs"), [(0, 0), (WAKING_SECONDS - 0.1, 0), (WAKING_SECONDS, 1)])
def test_a_phone_that_rang_just_now_is_left_to_the_watch(
    users: Table, queued: tuple[Any, list[Job]], ago: float, jobs: int
) -> None:
    aws, found = queued
    _record(users, "raju", at=NOW - ago, phone=Unread((), (1,)))
    push_jobs.wake(aws, "c", {"raju": ("phone", "desk"), "mira": ()})
    expected = [Job("mira", "c"), Job("raju", "c", ("desk", "phone"))]
    assert found == expected[: 1 + jobs]


def test_the_watch_wakes_devices_that_were_not_rung_for_all_that_they_lack(
    users: Table, queued: tuple[Any, list[Job]]
) -> None:
    aws, found = queued
    _record(users, "raju", phone=Unread((3,), (1, 2)), desk=Unread((1,), (2,)))
    lacking = {"raju": {"phone": [1, 2], "desk": [1, 2], "new": [2]}, "mira": {"b": [1], "a": [1]}}
    push_jobs.wake_lacking(aws, "c", lacking)
    assert found == [Job("mira", "c", ("a", "b")), Job("raju", "c", ("desk", "new"))]
    found.clear()
    push_jobs.wake_lacking(aws, "c", {"raju": {"phone": [1, 2]}})
    assert found == []


@pytest.mark.parametrize(
    ("rings", "expected"),
    [
        (None, False),
        (Rings(2, 2, devices={"phone": Unread((8,), (9,))}), False),
        (Rings(2, 2, devices={"phone": Unread((8, 5), (9,))}), True),  # read, and counted
        (Rings(2, 2, devices={"phone": Unread((8,), (9, 5))}), True),
        (Rings(2, 2, devices={"a": Unread((8,)), "phone": Unread((), (5,))}), True),
        (Rings(2, 1, devices={}), True),  # a run is under way
    ],
)
def test_something_is_taken_back_if_it_counts_or_may_be_counted_now(
    queued: tuple[Any, list[Job]], rings: Rings | None, expected: bool
) -> None:
    aws, found = queued
    push_jobs.take_back(aws, "c", "raju", "desk", 5, rings)
    assert found == [Job("raju", "c", reader="desk")] * expected


def test_a_job_is_what_its_body_says_and_equal_jobs_are_one_until_a_run_begins() -> None:
    job = Job("raju", "c", ("desk", "phone"), "tablet")
    assert Job.from_body(job.body) == job and Job.from_body(Job("raju", "c").body) == Job(
        "raju", "c"
    )
    assert (job.group, Job("raju", "d").group) == ("raju#c", "raju#d")
    ids = {
        each.deduplication_id(begun)
        for each in (job, Job("raju", "c"), Job("raju", "d"), Job("mira", "c"))
        for begun in (1, 2)
    }
    assert len(ids) == 8 and job.deduplication_id(1) == Job(*job).deduplication_id(1)


def test_a_muted_chat_and_a_request_that_has_rung_are_quiet(users: Table) -> None:
    def quiet(user: str = "raju", *, request_of: str | None = None, rang_at: int = 0) -> bool:
        return is_quiet(users, user, "c", request_of=request_of, rang_at=rang_at, now=NOW)

    assert not quiet()
    assert quiet(request_of="raju", rang_at=1)
    assert not quiet(request_of="raju") and not quiet(request_of="ravi", rang_at=1)
    for until, expected in ((0, False), (int(NOW), False), (int(NOW) + 1, True)):
        users.put({**user_key("raju", "chat#c"), "muted_until": until})
        assert quiet() is expected
    assert not quiet("mira")


def test_each_run_records_anew(users: Table) -> None:
    store = RingItems(users)
    for number in (1, 2):
        store.begin("raju", "c", NOW, LATER)
        rings = Rings(
            number, number, number, number, {"phone": Unread((number,))}, {"x": number}, number
        )
        store.record("raju", "c", rings)
        assert store.of(["raju"], "c") == {"raju": rings}
    users.put({**user_key("raju", "settings"), "expires_at": LATER})
    assert store.unread("raju", "d", NOW) == {"phone": 1}


def test_a_job_that_the_queue_rejects_is_an_error_where_nobody_repeats_it(
    queued: tuple[Any, list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws, _ = queued
    monkeypatch.setattr(push_jobs.PushQueue, "add", lambda _self, new, _begun: new)
    with pytest.raises(ConnectionError):
        push_jobs.take_back(aws, "c", "raju", "desk", 5, Rings(begun=1))
    assert push_jobs.wake(aws, "c", {"raju": ()}) == [Job("raju", "c")]
    assert push_jobs.add(aws, [], {}) == []


def test_the_queue_gets_ten_jobs_at_once_and_says_which_it_rejected() -> None:
    calls: list[Any] = []

    def send(**request: Any) -> Any:
        calls.append(request)
        entries = request["Entries"]
        return {"Failed": [{"Id": each["Id"]} for each in (entries[0], entries[-1])]}

    sqs: Any = SimpleNamespace(send_message_batch=send, send_message=lambda **r: calls.append(r))
    jobs = [Job(f"u{number:02d}", "c") for number in range(23)]
    rejected = push_jobs.PushQueue(sqs, "url").add(jobs, {"u05": 7})
    assert [each.user for each in rejected] == ["u00", "u09", "u10", "u19", "u20", "u22"]
    assert [len(each["Entries"]) for each in calls] == [10, 10, 3]
    sent = [entry for each in calls for entry in each["Entries"]]
    assert [entry["MessageBody"] for entry in sent] == [job.body for job in jobs]
    assert {each["QueueUrl"] for each in calls} == {"url"}
    assert sent[5]["MessageDeduplicationId"] == jobs[5].deduplication_id(7)
    assert sent[6]["MessageDeduplicationId"] == jobs[6].deduplication_id(0)
    assert push_jobs.PushQueue(sqs, "url").add(jobs[:1], {}) == []
    assert calls[-1] == {
        "QueueUrl": "url",
        "MessageBody": jobs[0].body,
        "MessageGroupId": "u00#c",
        "MessageDeduplicationId": jobs[0].deduplication_id(0),
    }


def test_a_taking_back_is_no_duplicate_of_one_before_the_last_run(
    queued: tuple[Any, list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS drops equal ids for five minutes, also after the first job was done."""
    ids: list[str] = []

    def add(_queue: object, jobs: Sequence[Job], begun: Mapping[str, int]) -> list[Job]:
        ids.extend(job.deduplication_id(begun[job.user]) for job in jobs)
        return []

    monkeypatch.setattr(push_jobs.PushQueue, "add", add)
    for begun in (3, 3, 4):
        push_jobs.take_back(queued[0], "c", "raju", "desk", 5, Rings(begun=begun, done=2))
    assert ids[0] == ids[1] != ids[2]
