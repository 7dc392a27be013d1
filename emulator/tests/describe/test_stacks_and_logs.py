"""Describing calls about stacks and logs, by botocore's clients."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.describe.called import Call, FakeMade, client
from tests.rows import rows

from emulator.describe.logs import LogsView
from emulator.describe.made import Made
from emulator.describe.stacks import CloudFormationView
from emulator.metrics.log_groups import LogGroupProvider
from emulator.providers import Created, Resource
from emulator.template.assembly import Assembly, Stack
from emulator.template.place import Place
from emulator.template.stage import Stage

HERE = "us-east-1:123456789012"


@pytest.fixture
def stacks() -> Any:
    resources = {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {}}}
    stack = Stack("chat-dev", {"Resources": resources})
    made = Made()
    made.stage = Stage(Assembly((stack,)), made.place)
    made.stage.record(Resource("chat-dev", "Jobs", "AWS::SQS::Queue"), Created("http://jobs"))
    return client("cloudformation", CloudFormationView(made).operations(), made)


def test_stacks_show_their_templates_and_resources(stacks: Any) -> None:
    (stack,) = stacks.describe_stacks()["Stacks"]
    arn = stack["StackId"]
    assert stacks.describe_stacks(StackName=arn)["Stacks"] == [stack]
    template = stacks.get_template(StackName="chat-dev")["TemplateBody"]
    assert set(template["Resources"]) == {"Jobs"}
    one = {"StackName": arn, "LogicalResourceId": "Jobs"}
    detail = stacks.describe_stack_resource(**one)["StackResourceDetail"]
    assert detail["PhysicalResourceId"] == "http://jobs"
    for given in (one, {"StackName": "chat-dev"}, {"PhysicalResourceId": "http://jobs"}):
        (found,) = stacks.describe_stack_resources(**given)["StackResources"]
        assert (found["LogicalResourceId"], found["StackId"]) == ("Jobs", arn)
    assert stacks.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"] == []


@rows(
    "call",
    [
        lambda aws: aws.describe_stacks(StackName="none"),
        lambda aws: aws.get_template(StackName="none"),
        lambda aws: aws.list_stack_resources(StackName="none"),
        lambda aws: aws.describe_stacks(
            StackName=f"arn:aws:cloudformation:{HERE}:stack/chat-dev/11111111-0000-0000-0000-0"
        ),
        lambda aws: aws.describe_stack_resource(StackName="chat-dev", LogicalResourceId="none"),
        lambda aws: aws.describe_stack_resources(PhysicalResourceId="none"),
        lambda aws: aws.describe_stack_resources(),
        lambda aws: aws.describe_stack_resources(StackName="chat-dev", LogicalResourceId="none"),
        lambda aws: aws.list_stacks(StackStatusFilter=["NONE"]),
    ],
    ids=range(9),
)
def test_what_no_stack_has_is_a_validation_error(call: Call, stacks: Any) -> None:
    with pytest.raises(ClientError) as failed:
        call(stacks)
    assert failed.value.response["Error"]["Code"] == "ValidationError"


GROUP = "/chat/access"


@pytest.fixture
def view(tmp_path: Path) -> LogsView:
    groups = LogGroupProvider(tmp_path, list, "us-east-1", "123456789012")
    for name in (GROUP, "/chat/empty"):
        resource = Resource("s", "L", "AWS::Logs::LogGroup", {})
        asyncio.run(groups.create(resource, {"LogGroupName": name}))
    file = groups.file(GROUP)
    file.parent.mkdir(parents=True)
    lines = [f'{{"timestamp": "1970-01-01T00:00:0{n}.000Z"}}\n' for n in range(5)]
    file.write_text("".join(lines))
    return LogsView(groups)


@pytest.fixture
def logs(view: LogsView) -> Any:
    return client("logs", view.operations(), FakeMade())


def test_while_it_starts_log_groups_of_its_region_are_there(view: LogsView) -> None:
    logs = client("logs", view.operations(), Made(Place(region="eu-west-1")))
    assert len(logs.describe_log_groups()["logGroups"]) == 2
    arn = f"arn:aws:logs:eu-west-1:123456789012:log-group:{GROUP}"
    assert len(logs.filter_log_events(logGroupIdentifier=arn)["events"]) == 5


def test_a_log_group_has_a_stream_whose_events_come_in_pages(logs: Any) -> None:
    (stream,) = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    name, last = stream["logStreamName"], stream["lastEventTimestamp"]
    assert (name, last) == ("access", 4000)
    assert logs.describe_log_streams(logGroupName="/chat/empty")["logStreams"] == []
    (found,) = logs.describe_log_groups(logGroupNamePattern="acc")["logGroups"]
    assert found["logGroupName"] == GROUP

    def page(**given: Any) -> tuple[list[int], Any]:
        found = logs.get_log_events(logGroupName=GROUP, logStreamName=name, **given)
        return [each["timestamp"] // 1000 for each in found["events"]], found

    assert page()[0] == [0, 1, 2, 3, 4]
    assert logs.describe_log_groups(logGroupNamePattern="ACC")["logGroups"] == []
    assert page(startTime=2000)[0] == [2, 3, 4]
    assert page(startTime=2000, endTime=4000)[0] == [2, 3]
    assert page(endTime=4001)[0] == [0, 1, 2, 3, 4]
    seconds, tail = page(limit=2)
    assert seconds == [3, 4]
    seconds, before = page(limit=2, nextToken=tail["nextBackwardToken"])
    assert seconds == [1, 2]
    seconds, first = page(limit=2, nextToken=before["nextBackwardToken"])
    assert seconds == [0]
    assert page(limit=2, nextToken=first["nextBackwardToken"])[0] == []
    seconds, head = page(limit=2, startFromHead=True)
    assert seconds == [0, 1]
    seconds, end = page(limit=9, nextToken=head["nextForwardToken"])
    assert seconds == [2, 3, 4]
    assert page(nextToken=end["nextForwardToken"])[1]["nextForwardToken"] == end["nextForwardToken"]
    events = logs.filter_log_events(logGroupName=GROUP, logStreamNames=[name])["events"]
    assert len(events) == 5


@rows(
    ("call", "code"),
    [
        (lambda aws: aws.describe_log_streams(logGroupName="none"), "ResourceNotFoundException"),
        (
            lambda aws: aws.get_log_events(logGroupName=GROUP, logStreamName="x"),
            "ResourceNotFoundException",
        ),
        (
            lambda aws: aws.filter_log_events(logGroupName=GROUP, logStreamNames=["x"]),
            "ResourceNotFoundException",
        ),
        (
            lambda aws: aws.get_log_events(
                logGroupName=GROUP, logStreamName="access", nextToken="x"
            ),
            "InvalidParameterException",
        ),
        (
            lambda aws: aws.get_log_events(
                logGroupName=GROUP, logStreamName="access", limit=10_001
            ),
            "InvalidParameterException",
        ),
        (
            lambda aws: aws.describe_log_groups(logGroupNamePrefix="a", logGroupNamePattern="a"),
            "InvalidParameterException",
        ),
        (
            lambda aws: aws.filter_log_events(
                logGroupName=GROUP, logStreamNames=["access"], logStreamNamePrefix="a"
            ),
            "InvalidParameterException",
        ),
        (
            lambda aws: aws.describe_log_streams(
                logGroupName=GROUP, logStreamNamePrefix="a", orderBy="LastEventTime"
            ),
            "InvalidParameterException",
        ),
        (
            lambda aws: aws.get_log_events(
                logGroupName=GROUP, logGroupIdentifier=GROUP, logStreamName="access"
            ),
            "InvalidParameterException",
        ),
        (
            lambda aws: aws.filter_log_events(
                logGroupIdentifier=f"arn:aws:logs:eu-west-1:123456789012:log-group:{GROUP}"
            ),
            "NotImplemented",
        ),
    ],
    ids=range(10),
)
def test_a_stream_or_group_that_is_not_there_is_an_error(call: Call, code: str, logs: Any) -> None:
    with pytest.raises(ClientError) as failed:
        call(logs)
    assert failed.value.response["Error"]["Code"] == code
