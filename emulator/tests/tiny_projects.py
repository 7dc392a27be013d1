"""A project that the emulator can run in two seconds: its app.py copies a finished assembly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests import cloud_assemblies

APP = """
import json, os, pathlib, shutil
here = pathlib.Path(__file__).parent
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
assert (context.pop("env"), context.pop("bundle_for")) == ("dev", "host")
with (here / "synthesized").open("a") as log:
    log.write(json.dumps(context) + "\\n")
if (here / "broken").exists():
    raise SystemExit("config.py: pools need a weight")
shutil.copytree(here / "assembly", os.environ["CDK_OUTDIR"], dirs_exist_ok=True)
"""

SETTINGS = """
[tool.emulator]
sources = "lambdas"
templates = ["app.py", "cdk.json", "stacks"]
synth_inputs = ["app.py", "cdk.json", "stacks", "lambdas"]
"""

FUNCTION = """
import json, os, boto3
def handler(event, context):
    table = boto3.client("dynamodb")
    for record in event["Records"]:
        item = {"id": {"S": record["body"]}, "pid": {"N": str(os.getpid())}}
        table.put_item(TableName=os.environ["TABLE"], Item=item)
    print("stored", len(event["Records"]))
"""

REMARK = "least_connections is least_outstanding_requests on AWS."

CONSUME = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": CONSUME, "Resource": {"Fn::GetAtt": ["Jobs", "Arn"]}},
        {
            "Effect": "Allow",
            "Action": "dynamodb:PutItem",
            "Resource": {"Fn::GetAtt": ["Items", "Arn"]},
        },
    ],
}

RESOURCES: dict[str, Any] = {
    "Items": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "items",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    },
    "Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}},
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Service": ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                },
            },
            "Policies": [{"PolicyName": "Store", "PolicyDocument": POLICY}],
        },
    },
    "StoreFunction0A1B2C3D": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"S3Bucket": {"Fn::Sub": "assets-${AWS::Region}"}, "S3Key": "code.zip"},
            "Handler": "lambdas.store.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Environment": {"Variables": {"TABLE": {"Ref": "Items"}}},
            "Timeout": 10,
        },
    },
    "Mapping": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]},
            "FunctionName": {"Fn::GetAtt": ["StoreFunction0A1B2C3D", "Arn"]},
        },
    },
}


def write(directory: Path, resources: Mapping[str, Any] = RESOURCES) -> Path:
    """The project, with `lambdas/store.py` and the bundle that holds it."""
    (directory / "app.py").write_text(APP, encoding="utf-8")
    for lambdas in (directory / "lambdas", directory / "bundle" / "lambdas"):
        lambdas.mkdir(parents=True, exist_ok=True)
        (lambdas / "store.py").write_text(FUNCTION, encoding="utf-8")
    (directory / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    cloud_assemblies.write(
        directory / "assembly",
        {"Stack": {"Resources": dict(resources)}},
        files={"code.zip": directory / "bundle"},
        metadata={"Stack": [("aws:cdk:info", REMARK)]},
    )
    return directory


def emulate(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`emulate <arguments>` of the project, to its end."""
    return subprocess.run(
        command(project, *arguments),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def command(project: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "emulator", *arguments, "--project", str(project)]


def endpoints(project: Path) -> dict[str, Any]:
    text = (project / ".local" / "endpoints.json").read_text(encoding="utf-8")
    known: dict[str, Any] = json.loads(text)
    return known


def syntheses(project: Path) -> int:
    return len((project / "synthesized").read_text(encoding="utf-8").splitlines())


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """The condition's result, once it has one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")
