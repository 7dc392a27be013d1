"""The queue of push jobs: what is put into it, and what is read from it."""

import json
from typing import Any

import pytest

from lambdas.notifications.push_jobs import Job, PushQueue


class Sqs:
    """Keeps what it is given; refuses the jobs of the users it is configured to refuse."""

    def __init__(self, *rejected: str) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._rejected = rejected

    def send_message(self, **message: Any) -> None:
        self.calls.append([message])

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        entries = request["Entries"]
        assert len(entries) <= 10 and len({entry["Id"] for entry in entries}) == len(entries)
        self.calls.append(entries)
        return {
            "Failed": [
                {"Id": entry["Id"]}
                for entry in entries
                if entry["MessageGroupId"] in self._rejected
            ]
        }


def _queue(sqs: Sqs) -> PushQueue:
    return PushQueue(sqs, "https://queue")  # type: ignore[arg-type] # stands in for the client


def test_one_job_is_one_message_grouped_by_chat_and_user() -> None:
    sqs = Sqs()
    job = Job("raju", "c", ("phone",))
    assert _queue(sqs).add([job], {"raju": 7}) == []
    ((message,),) = sqs.calls
    assert message["MessageGroupId"] == "raju#c"
    assert message["MessageDeduplicationId"] == job.deduplication_id(7)
    assert json.loads(message["MessageBody"]) == {"user": "raju", "chat": "c", "devices": ["phone"]}


def test_equal_jobs_are_one_until_a_generation_begins() -> None:
    jobs = [
        Job("raju", "c"),
        Job("raju", "d"),
        Job("mira", "c"),
        Job("raju", "c", ("phone",)),
        Job("raju", "c", ("phone", "tablet")),
        Job("raju", "c", (), "phone"),
    ]
    ids = {job.deduplication_id(begun) for job in jobs for begun in (0, 1, 10)}
    assert len(ids) == 3 * len(jobs)
    assert ids == {job.deduplication_id(begun) for job in jobs for begun in (0, 1, 10)}


def test_the_longest_names_fit_into_what_sqs_takes() -> None:
    """128 characters for a group and for a deduplication id (SendMessage in SQS's API reference)."""
    job = Job("u" * 32, "c" * 64, tuple("d" * 64 for _ in range(50)))
    assert len(job.group) <= 128 and len(job.deduplication_id(10**12)) <= 128


def test_many_jobs_go_by_tens_and_the_rejected_come_back() -> None:
    sqs = Sqs("user3#c", "user14#c")
    jobs = [Job(f"user{number}", "c") for number in range(23)]
    assert _queue(sqs).add(jobs, {}) == [jobs[3], jobs[14]]
    assert [len(call) for call in sqs.calls] == [10, 10, 3]


def test_no_job_is_no_call() -> None:
    sqs = Sqs()
    assert _queue(sqs).add([], {}) == [] and sqs.calls == []


def test_a_job_is_read_as_it_was_written() -> None:
    job = Job("raju", "c", ("desk", "phone"), "tablet")
    for each in (job, job._replace(devices=()), job._replace(reader="")):
        assert Job.from_body(each.body) == each


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"user":"raju"}'])
def test_a_body_that_no_function_writes_is_an_error_and_ends_in_the_dead_letter_queue(
    body: str,
) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Job.from_body(body)
