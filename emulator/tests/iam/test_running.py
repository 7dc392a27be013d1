"""A running project whose function lacks permissions, in each mode."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.tiny_projects import emulate, endpoints, until

from tests import tiny_projects

CONSUME = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")


def lacking(*consume: str) -> dict[str, Any]:
    """The project's resources with a role that may do these and not put items."""
    resources = copy.deepcopy(tiny_projects.RESOURCES)
    (policy,) = resources["Role"]["Properties"]["Policies"]
    of_queue, of_table = policy["PolicyDocument"]["Statement"]
    of_queue["Action"], of_table["Action"] = list(consume), "dynamodb:GetItem"
    return resources


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    emulate(tmp_path, "down")


def up(project: Path, resources: Any, *arguments: str) -> Any:
    tiny_projects.write(project, resources)
    return emulate(project, "up", "--detach", "--api-port", "0", *arguments)


def send(project: Path) -> None:
    sqs: Any = boto3.client("sqs", endpoint_url=endpoints(project)["aws"])
    url = sqs.get_queue_url(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one")


def stored(project: Path) -> int:
    table: Any = boto3.client("dynamodb", endpoint_url=endpoints(project)["aws"])
    return int(table.scan(TableName="items")["Count"])


def test_a_call_without_permission_fails_and_is_in_a_log(project: Path) -> None:
    log = project / ".local" / "logs" / "denials.log"
    assert up(project, lacking(*CONSUME)).returncode == 0
    send(project)
    until(log.exists)
    (line, *_) = emulate(project, "logs", "denials").stdout.splitlines()
    found = json.loads(line)
    assert found["by"].startswith("Store-") and found["action"] == "dynamodb:PutItem"
    assert found["message"] == (
        "User: arn:aws:sts::123456789012:assumed-role/my-Stack-Role/my-Stack-StoreFunction0A1B2C3D is "
        "not authorized to perform: dynamodb:PutItem on resource: "
        "arn:aws:dynamodb:us-east-1:123456789012:table/items because no identity-based policy "
        "allows the dynamodb:PutItem action"
    )
    function = project / ".local" / "logs" / "Store.log"
    until(
        lambda: (
            f"AccessDeniedException) when calling the PutItem operation: {found['message']}"
            in function.read_text()
        )
    )
    assert stored(project) == 0


@pytest.mark.deep
def test_a_poller_without_permission_is_found_at_the_start(project: Path) -> None:
    failed = up(project, lacking("sqs:DeleteMessage", "sqs:GetQueueAttributes"))
    assert failed.returncode == 1
    assert "does not have permissions to call ReceiveMessage on SQS" in failed.stdout


@pytest.mark.deep
def test_what_lacks_permission_works_and_is_in_a_log_where_it_is_only_warned_of(
    project: Path,
) -> None:
    assert up(project, lacking("sqs:GetQueueUrl"), "--iam", "warn").returncode == 0
    send(project)
    until(lambda: stored(project))
    log = project / ".local" / "logs" / "denials.log"
    until(lambda: '"action": "dynamodb:PutItem"' in log.read_text())
