"""`emulate rehearse`, as it is run: two syntheses, a report, an exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emulator.cli.commands import main

TABLE: dict[str, Any] = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "items"}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "alarms"}}
APP = """
import json, os, pathlib
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
assert context.pop("env") == "dev" and context.pop("aws:cdk:bundling-stacks") == []
if "colour" in context:
    raise SystemExit("colour is 'blue', but there is no such setting")
template = json.loads(pathlib.Path("template.json").read_text())
if "name" in context:
    template["Resources"]["Items"]["Properties"]["TableName"] = context["name"]
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir(parents=True, exist_ok=True)
stack = {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region",
         "properties": {"templateFile": "t.json", "stackName": "shop-dev-data"}}
(out / "t.json").write_text(json.dumps(template))
(out / "manifest.json").write_text(json.dumps({"artifacts": {"Data": stack}}))
"""


def git(project: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A table and a topic are committed as v1; in the work tree the table is gone."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text(APP)
    template = project / "template.json"
    template.write_text(json.dumps({"Resources": {"Items": TABLE, "Alarms": TOPIC}}))
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "one")
    git(project, "tag", "v1")
    template.write_text(json.dumps({"Resources": {"Alarms": TOPIC}}))
    return project


def test_from_an_empty_account_everything_is_created(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rehearse", "--project", str(project)]) == 0
    printed = capsys.readouterr().out
    assert "dev: from an empty account to the working tree" in printed
    assert re.search(r"shop-dev-data +1 +- +- +- +-", printed)
    assert "READY: nothing is rejected" in printed


def test_from_a_revision_a_table_that_goes_is_reported_and_the_work_tree_is_left_alone(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in project.iterdir())
    assert main(["rehearse", "--project", str(project), "--from", "v1"]) == 1
    printed = capsys.readouterr().out
    assert "DATA THAT GOES\n  data  Items: it is deleted with its items." in printed
    assert "NOT READY: 1 finding to clear up" in printed
    assert {*before, ".local"} == {path.name for path in project.iterdir()}
    assert main(["rehearse", "--project", str(project), "--from", "v1", "--accept", "Items"]) == 0


def test_a_changed_setting_is_for_the_new_side_alone(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(project, "checkout", "--", "template.json")
    command = ["rehearse", "--project", str(project), "--from", "HEAD", "--json"]
    assert main([*command, "-c", "name=both"]) == 0
    assert json.loads(capsys.readouterr().out)["stacks"][0]["skipped"]
    assert main([*command, "-c", "name=both", "--change", "name=new"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["stops"]
    (change,) = document["stacks"][0]["changes"]
    assert change == {
        "act": "replaced",
        "type": "AWS::DynamoDB::Table",
        "logical_id": "Items",
        "properties": ["TableName"],
        "because": ["TableName"],
    }
    assert {(each["kind"], each["what"]) for each in document["findings"]} == {("data", "Items")}


def test_another_version_of_the_cdk_than_the_revision_s_is_reported(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = project / "requirements.txt"
    pins.write_text("aws-cdk-lib==2.1.0 \\\n    --hash=sha256:0\nconstructs==10.0.0\n")
    git(project, "checkout", "--", "template.json")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "two")
    pins.write_text("aws-cdk-lib==2.2.0 \\\n    --hash=sha256:0\nconstructs==10.0.0\n")
    assert main(["rehearse", "--project", str(project), "--from", "HEAD"]) == 0
    printed = capsys.readouterr().out
    assert "WORTH KNOWING\n  aws-cdk-lib: " in printed
    assert "pins 2.1.0" in printed
    assert "constructs" not in printed


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--from", "v2"], "there is no v2"),
        (["-c", "colour=blue"], "colour is 'blue', but there is no such setting"),
        (["--accept", "Item"], "nothing called Item"),
    ],
)
def test_what_can_t_be_rehearsed_gets_a_sentence(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], printed: str
) -> None:
    assert main(["rehearse", "--project", str(project), *arguments]) == 1
    assert printed in capsys.readouterr().err


def test_it_runs_as_a_program_with_no_aws_in_reach(project: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "emulator", "rehearse", "--project", str(project), "--from", "v1"],
        env={**bare, "HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "NOT READY" in done.stdout
