"""The README's first screen: examples/hello, a CDK app, synthesized and called."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from websockets.asyncio.client import connect

EXAMPLE = Path(__file__).parents[1] / "examples" / "hello"


def emulate(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emulator", *arguments, "--project", str(project)]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    project = tmp_path / "hello"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".local", "__pycache__"))
    yield project
    emulate(project, "down")


def test_the_example_serves_http_and_web_sockets_from_one_table(project: Path) -> None:
    pytest.importorskip("aws_cdk")
    started = emulate(project, "up", "--detach", "--api-port", "0")
    assert started.returncode == 0, started.stdout + started.stderr
    known: dict[str, Any] = json.loads((project / ".local" / "endpoints.json").read_text())
    assert [httpx.get(known["api"] + "/ravi", timeout=60).text for _ in range(2)] == [
        "hello ravi, 1",
        "hello ravi, 2",
    ]

    assert emulate(project, "logs", "Greet").stdout == "greeted ravi\n" * 2

    async def greeted(name: str) -> str | bytes:
        async with connect(known["websocket"]) as socket:
            await socket.send(name)
            return await asyncio.wait_for(socket.recv(), 20)

    assert asyncio.run(greeted("ravi")) in ("2", b"2")
    assert asyncio.run(greeted("raju")) in ("0", b"0")
    check_descriptions(known)
    check_asynchronous(project, known)


def check_asynchronous(project: Path, known: dict[str, Any]) -> None:
    """An event that nobody waits for is handled as well."""

    def client(service: Any) -> Any:
        return boto3.client(service, endpoint_url=known["aws"], region_name="us-east-1")

    functions = client("lambda").list_functions()["Functions"]
    (name,) = (each["FunctionName"] for each in functions if "Greet" in each["FunctionName"])
    event = b'{"path": "/asha"}'
    given = client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=event)
    assert given["StatusCode"] == 202
    (table,) = client("dynamodb").list_tables()["TableNames"]
    read = {"TableName": table, "Key": {"name": {"S": "asha"}}}
    deadline = time.monotonic() + 60
    while "Item" not in (found := client("dynamodb").get_item(**read)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found["Item"]["greeted"] == {"N": "1"}


def check_descriptions(known: dict[str, Any]) -> None:
    """AWS's describing calls see what runs, and what isn't served says so."""

    def client(service: Any, region: str = "us-east-1") -> Any:
        return boto3.client(service, endpoint_url=known["aws"], region_name=region)

    functions = client("lambda").list_functions()["Functions"]
    (name,) = (each["FunctionName"] for each in functions if "Greet" in each["FunctionName"])
    found = client("lambda").get_function(FunctionName=name)["Configuration"]
    assert found["FunctionName"] == name
    stack = client("cloudformation").list_stacks()["StackSummaries"][0]["StackName"]
    described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    assert described[0]["StackStatus"] == "CREATE_COMPLETE"
    resources = client("cloudformation").describe_stack_resources(StackName=stack)
    kinds = {each["ResourceType"]: each for each in resources["StackResources"]}
    (kind,) = (each for each in kinds if each.startswith("AWS::DynamoDB::"))
    table = kinds[kind]["PhysicalResourceId"]
    assert table in client("dynamodb").list_tables()["TableNames"]
    balancing = client("elbv2")
    (balancer,) = balancing.describe_load_balancers()["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    assert len(balancing.describe_listeners(LoadBalancerArn=arn)["Listeners"]) == 1
    groups = balancing.describe_target_groups()["TargetGroups"]
    for group in groups:
        health = balancing.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        assert health["TargetHealthDescriptions"]
    apis = client("apigatewayv2")
    (api,) = apis.get_apis()["Items"]
    assert api["ProtocolType"] == "WEBSOCKET"
    routes = apis.get_routes(ApiId=api["ApiId"])["Items"]
    assert {route["RouteKey"] for route in routes} >= {"$default"}
    assert client("ecs").list_clusters()["clusterArns"] == []
    logs = client("logs")
    groups_of_logs = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    assert f"/aws/lambda/{name}" in groups_of_logs
    assert "events" in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: client("ec2").describe_instances(), "does not serve ec2"),
        (lambda: client("lambda").list_layers(), "does not serve ListLayers of lambda"),
        (lambda: client("dynamodb", "eu-west-1").list_tables(), "use --region us-east-1"),
        (lambda: client("lambda", "eu-west-1").list_functions(), "use --region us-east-1"),
        (lambda: client("lambda").get_function(FunctionName="none"), "Function not found"),
        (lambda: client("cloudformation").describe_stacks(StackName="none"), "does not exist"),
        (lambda: client("ecs").list_services(cluster="none"), "Cluster not found"),
    ]
    for call, sentence in calls:
        with pytest.raises(ClientError, match=sentence):
            call()
