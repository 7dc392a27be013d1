"""`make trace ID=... env=prod`: what Logs Insights is asked, and how its results are shown."""

import json
from typing import Any

import pytest

from tools import trace
from tools.trace import TraceError

ID = "01HZX-3f9a"
NOW = 1_800_000_000.0


class Logs:
    """CloudWatch Logs with one query, which takes two looks."""

    def __init__(self, messages: list[str], status: str = "Complete") -> None:
        self.asked: dict[str, Any] = {}
        self._left = ["Scheduled", "Running"]
        self._messages, self._status = messages, status

    def start_query(self, **asked: Any) -> dict[str, str]:
        self.asked = asked
        return {"queryId": "q"}

    def get_query_results(self, queryId: str) -> dict[str, Any]:
        assert queryId == "q"
        if self._left:
            return {"status": self._left.pop(0), "results": []}
        fields = [
            {"@timestamp": f"12:00:0{n}", "@log": "1:/aws/lambda/Send", "@message": message}
            for n, message in enumerate(self._messages)
        ]
        rows = [[{"field": k, "value": v} for k, v in each.items()] for each in fields]
        return {"status": self._status, "results": rows}


def searched(logs: Logs, text: str = ID) -> list[str]:
    return trace.search(logs, ["a", "b"], text, 2, NOW, sleep=lambda _: None)


def test_each_line_has_its_time_its_function_and_its_own_fields() -> None:
    ours = {"level": "INFO", "message": "accepted", "service": "messages", "message_id": ID}
    failed = {"level": "ERROR", "message": "failed", "function_name": "Send", "chat": "c"}
    logs = Logs([json.dumps(ours), json.dumps(failed), f"REPORT {ID}\n"])
    assert searched(logs) == [
        f"12:00:00  Send  accepted message_id={ID}",
        "12:00:01  Send  ERROR failed chat=c",
        f"12:00:02  Send  REPORT {ID}",
    ]
    assert logs.asked["logGroupNames"] == ["a", "b"]
    assert (logs.asked["startTime"], logs.asked["endTime"]) == (NOW - 7200, NOW)
    assert f'like "{ID}"' in logs.asked["queryString"]


def test_a_text_that_could_change_the_query_is_not_asked_for() -> None:
    logs = Logs([])
    with pytest.raises(TraceError, match="is no id"):
        searched(logs, 'x" | fields @message')
    assert not logs.asked


@pytest.mark.parametrize(
    ("logs", "why"),
    [(Logs([]), "in no log of the last 2 hours"), (Logs(["x"], "Failed"), "ended as Failed")],
)
def test_what_was_not_found_is_reported(logs: Logs, why: str) -> None:
    with pytest.raises(TraceError, match=why):
        searched(logs)


def test_the_log_groups_are_those_of_the_environment_s_stacks() -> None:
    class Pages:
        def paginate(self, *, StackName: str) -> Any:
            kinds = ("AWS::Logs::LogGroup", "AWS::Lambda::Function")
            yield {
                "StackResourceSummaries": [
                    {"ResourceType": kind, "PhysicalResourceId": f"{StackName}/{kind[-8:]}"}
                    for kind in kinds
                ]
            }

    class CloudFormation:
        def get_paginator(self, name: str) -> Pages:
            assert name == "list_stack_resources"
            return Pages()

    found = trace.log_groups(CloudFormation(), "talk", "prod")
    assert found == [f"talk-prod-{stack}/LogGroup" for stack in trace.STACKS]
