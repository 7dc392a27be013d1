"""Functions of custom resources in a rehearsal: really called, with every lifecycle of their
resource."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.rehearsal.steps import exported, found, imported

from emulator.rehearsal import functions, report
from emulator.rehearsal.findings import Kind
from emulator.rehearsal.rehearsal import Rehearsal, rehearse
from emulator.template import assembly
from tests import cloud_assemblies

RESPOND = """
import json, os, urllib.request, boto3

def respond(event, status="SUCCESS", **data):
    body = {
        "Status": status, "Reason": "because", "PhysicalResourceId": "thing", "Data": data,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    url, headers = event["ResponseURL"], {"Content-Type": ""}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT")
    urllib.request.urlopen(request).close()

def secret(event):
    arn = event["ResourceProperties"]["SecretArn"]
    return boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]

def handler(event, context):
    print("a line of its log")
    kind, old = event["RequestType"], event.get("OldResourceProperties", {})
    is_rollback = old.get("Version", "0") > event["ResourceProperties"]["Version"]
"""


class Row(NamedTuple):
    name: str
    code: str
    finds: set[tuple[Kind, str]]
    sentence: str = ""


ROWS = [
    Row("a function that reads the secret only when it has to", """
    if kind != "Delete" and not is_rollback and secret(event) != "{}":
        return respond(event, "FAILED")
    respond(event, Arn=f"arn:aws:sns:{os.environ['AWS_REGION']}:1:{os.environ['NAME']}")
""", set()),
    Row("a function that reads the bad secret again in a rollback", """
    if kind != "Delete" and secret(event) != "{}":
        return respond(event, "FAILED")
    respond(event, Arn="x")
""", {(Kind.ROLLBACK, "Thing")}, "the rollback of an update (UPDATE_ROLLBACK_FAILED) gets the "
        "response FAILED: because"),
    Row("a function that can't delete what was never made", """
    if kind == "Delete" and event["PhysicalResourceId"] != "thing":
        raise LookupError("no such thing")
    respond(event, Arn="x")
""", {(Kind.ROLLBACK, "Thing")}, "the deletion of what was never made gets the response NONE: "
        "the function raised LookupError"),
    Row("a function that forgets to respond", """
    if kind == "Create":
        respond(event, Arn="x")
""", {(Kind.ROLLBACK, "Thing")}, "the function ended without a response"),
    Row("a function whose response is empty and exported", """
    respond(event, Arn="")
""", {(Kind.REJECTED, "export of Function.Arn")}, '"Exported values must not be empty'),
]  # fmt: skip


def rehearsed(directory: Path, row: Row, **properties: Any) -> Rehearsal:
    """`properties` are other ones of the function."""
    code = directory / "code"
    (code / "handlers").mkdir(parents=True)
    (code / "handlers" / "__init__.py").touch()
    (code / "handlers" / "thing.py").write_text(RESPOND + row.code)
    data = {
        "Secret": {"Type": "AWS::SecretsManager::Secret"},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "handlers.thing.handler",
                "Code": {"S3Bucket": "assets", "S3Key": "code.zip"},
                "Environment": {"Variables": {"NAME": "thing"}},
                **properties,
            },
        },
        "Thing": {
            "Type": "Custom::Thing",
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
                "SecretArn": {"Ref": "Secret"},
                "Version": 1,
            },
        },
    }
    # through a resource, which hides from the rule on templates where the value comes from
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": imported("data", "Arn")}}
    value = {"Fn::Join": ["", [{"Fn::GetAtt": ["Thing", "Arn"]}]]}
    outputs = exported("data", "Arn", value) if "exported" in row.name else {}
    resources = {"T": topic} if outputs else {"T": {"Type": "AWS::SNS::Topic"}}
    cloud_assemblies.write(
        directory / "cdk.out",
        {"Data": {"Resources": data, "Outputs": outputs}, "Web": {"Resources": resources}},
        depends_on={"Web": ["Data"]},
        files={"code.zip": code},
    )
    return rehearse(None, assembly.load(directory / "cdk.out"))


@pytest.mark.parametrize(
    "row",
    [*ROWS[:2], *(pytest.param(row, marks=pytest.mark.deep) for row in ROWS[2:])],
    ids=lambda row: row.name,
)
def test_a_function_is_called_with_every_lifecycle_of_its_resource(
    row: Row, tmp_path: Path
) -> None:
    rehearsal = rehearsed(tmp_path, row)
    kinds = {kind for kind, _ in found(rehearsal)}
    assert kinds == {kind for kind, _ in row.finds}
    assert row.sentence in " ".join(finding.sentence for finding in rehearsal.findings)
    (called,) = rehearsal.called
    assert called.calls == 9


def test_a_response_becomes_the_resource_s_attributes(tmp_path: Path) -> None:
    (called,) = rehearsed(tmp_path, ROWS[0]).called
    assert called.attributes == {"Arn": "arn:aws:sns:us-east-1:1:thing"}


SILENT = {
    "can't be loaded": ("    if:\n", "SyntaxError"),
    "raises when it is loaded": ("    pass\nraise LookupError('no table')\n", "no table"),
    "ends the process": ("    os._exit(0)\n", "it ends its process"),
    "never ends": ("    while True: pass\n", "it did not end within 2 s"),
}


@pytest.mark.parametrize(("code", "sentence"), SILENT.values(), ids=SILENT)
def test_a_function_without_a_response_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, sentence: str
) -> None:
    monkeypatch.setattr(functions, "_WITHIN", 2 if "while" in code else 30)
    rehearsal = rehearsed(tmp_path, Row("silent", code, set()))
    (finding,) = rehearsal.findings
    assert (finding.kind, finding.what) == (Kind.ROLLBACK, "Thing")
    assert "responds to no request" in finding.sentence
    assert sentence in finding.sentence


@pytest.mark.parametrize(
    "properties",
    [
        {"Runtime": "python3.13", "Code": {"ZipFile": "def handler(event, context): ..."}},
        {"Runtime": "nodejs22.x"},
        {"PackageType": "Image", "Code": {"ImageUri": "x"}},
    ],
)
def test_a_function_that_can_t_be_called_here_is_reported(
    tmp_path: Path, properties: dict[str, Any]
) -> None:
    rehearsal = rehearsed(tmp_path, ROWS[0], **properties)
    assert found(rehearsal) == {(Kind.NOTE, "Thing")}
    assert "Thing: its function was not called" in report.as_text(rehearsal, "title")
