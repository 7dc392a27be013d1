import json
from typing import Any

import pytest

from lambdas.notifications.queue import Job, PushQueue


class Sqs:
    """Keeps what it is given; refuses the jobs of the users it is configured to refuse."""

    def __init__(self, *refused: str) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._refused = refused

    def send_message(self, **message: Any) -> None:
        self.calls.append([message])

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        entries = request["Entries"]
        assert len(entries) <= 10 and len({entry["Id"] for entry in entries}) == len(entries)
        self.calls.append(entries)
        return {
            "Failed": [
                {"Id": entry["Id"]} for entry in entries if entry["MessageGroupId"] in self._refused
            ]
        }


def _queue(sqs: Sqs) -> PushQueue:
    return PushQueue(sqs, "https://queue")  # type: ignore[arg-type] # stands in for the client


def test_one_job_is_one_message_grouped_by_user_and_deduplicated_by_message() -> None:
    sqs = Sqs()
    assert _queue(sqs).add([Job("raju", "c", "m1", urgent=False)]) == []
    ((message,),) = sqs.calls
    assert (message["MessageGroupId"], message["MessageDeduplicationId"]) == ("raju", "m1#raju")
    assert json.loads(message["MessageBody"]) == {
        "user": "raju",
        "chat": "c",
        "message_id": "m1",
        "urgent": False,
    }


def test_devices_are_named_where_they_are_known() -> None:
    job = Job("raju", "c", "m1", devices=("desk", "phone"))
    assert json.loads(job.body)["devices"] == ["desk", "phone"]
    assert job.deduplication_id == Job("raju", "c", "m1").deduplication_id


def test_many_jobs_go_by_tens_and_the_refused_come_back() -> None:
    sqs = Sqs("user3", "user14")
    jobs = [Job(f"user{number}", "c", "m") for number in range(23)]
    assert _queue(sqs).add(jobs) == [jobs[3], jobs[14]]
    assert [len(call) for call in sqs.calls] == [10, 10, 3]


def test_no_job_is_no_call() -> None:
    sqs = Sqs()
    assert _queue(sqs).add([]) == [] and sqs.calls == []


def test_a_job_is_read_as_it_was_written() -> None:
    job = Job("raju", "c", "m1", urgent=False, devices=("desk", "phone"))
    for each in (job, job._replace(devices=()), job._replace(urgent=True)):
        assert Job.from_body(each.body) == each
    oldest = {"user": "raju", "chat": "c", "message_id": "m1"}
    assert Job.from_body(json.dumps(oldest)) == Job("raju", "c", "m1")


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"user":"raju","chat":"c"}'])
def test_a_body_that_no_function_writes_is_an_error_and_ends_in_the_dead_letter_queue(
    body: str,
) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Job.from_body(body)
