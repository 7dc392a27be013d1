"""The pipeline: its role, which nobody but one workflow gets, and the workflows."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from stacks.config.environments import ENVIRONMENTS
from tests.stacks.shared_environments import CHANGED_DEV, CONTAINERS_ONLY, SUBJECT
from tests.stacks.synthesized import Resource, Synthesize, Synthesized

ROOT = Path(__file__).parents[2]
WORKFLOWS = {each.name: each.read_text() for each in (ROOT / ".github" / "workflows").iterdir()}
ISSUER = "token.actions.githubusercontent.com"
ROLES = "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/cdk-hnb659fds"


def role(made: Synthesized) -> Resource:
    return made.one("AWS::IAM::Role", "DeployRole")


@pytest.fixture
def made(synthesize: Synthesize) -> Synthesized:
    return synthesize(CHANGED_DEV)


def test_without_a_subject_there_is_no_role(dev: Synthesized) -> None:
    assert "Pipeline" not in dev.stacks
    assert not dev.all("AWS::IAM::OIDCProvider")


def test_exactly_one_environment_of_one_repository_gets_the_role(made: Synthesized) -> None:
    (statement,) = role(made).properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert made.show(statement["Principal"]["Federated"]) == "<GitHub.Arn>"
    assert statement["Condition"] == {
        "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": SUBJECT}
    }


def test_it_may_assume_the_roles_of_the_bootstrap_and_read_one_stack_s_outputs(
    made: Synthesized,
) -> None:
    place = "<AWS::AccountId>-<AWS::Region>"
    assert made.grants(role(made).logical_id) == {
        **{
            f"{ROLES}-{name}-role-{place}": {"sts:AssumeRole"}
            for name in ("deploy", "file-publishing", "image-publishing", "lookup")
        },
        "arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:"
        "stack/switchboard-dev-web/*": {"cloudformation:DescribeStacks"},
    }


def test_an_account_has_one_provider_which_a_second_environment_uses(
    synthesize: Synthesize,
) -> None:
    second = synthesize(CONTAINERS_ONLY)
    assert not second.all("AWS::IAM::OIDCProvider")
    (statement,) = role(second).properties["AssumeRolePolicyDocument"]["Statement"]
    assert second.show(statement["Principal"]["Federated"]) == (
        f"arn:<AWS::Partition>:iam::<AWS::AccountId>:oidc-provider/{ISSUER}"
    )


def test_a_deployment_that_shifts_releases_has_the_time(made: Synthesized) -> None:
    """The credentials are good for as long as the job may take; GitHub ends a job after 6 hours."""
    text = WORKFLOWS["deploy-environment.yml"]
    (minutes,) = re.findall(r"timeout-minutes: (\d+)", text)
    (seconds,) = re.findall(r"role-duration-seconds: (\d+)", text)
    assert int(minutes) == 360
    assert int(minutes) * 60 <= int(seconds) <= role(made).properties["MaxSessionDuration"]


def test_main_goes_to_every_environment_one_after_the_other() -> None:
    text = WORKFLOWS["deploy.yml"]
    assert re.findall(r"^      env: (\w+)$", text, re.MULTILINE) == list(ENVIRONMENTS)
    assert re.findall(r"^    needs: (\w+)$", text, re.MULTILINE) == [
        "check",
        *list(ENVIRONMENTS)[:-1],
    ]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_by_commit_and_say_their_version(name: str) -> None:
    for used in re.findall(r"uses: (.*)", WORKFLOWS[name]):
        if not used.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_calls_targets_of_the_makefile_and_tools_that_exist(name: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    text = WORKFLOWS[name]
    assert set(re.findall(r"make ([a-z-]+)", re.sub(r"#.*", "", text))) <= set(targets)
    for module in re.findall(r"python -m (tools\.\w+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_only_what_needs_it_may_write_or_ask_for_a_token(name: str) -> None:
    text = WORKFLOWS[name]
    assert "\npermissions:\n  contents: read\n" in text
    asks = "id-token: write" in text
    assert asks is (name in {"deploy.yml", "deploy-environment.yml"})
    assert ("contents: write" in text) is (name == "release.yml")


def script(workflow: str, step: str) -> str:
    """What a step of a workflow runs."""
    jobs = yaml.safe_load(WORKFLOWS[workflow])["jobs"].values()
    (found,) = (each["run"] for job in jobs for each in job["steps"] if each.get("name") == step)
    return str(found)


@pytest.mark.parametrize(
    ("tags", "made"),
    [
        ([], ""),
        (["v1.2.3"], "versions from=v1.2.3"),
        (["v1.10.0", "v1.9.0", "other"], "versions from=v1.10.0"),
    ],
)
def test_a_change_is_tried_beside_the_last_release_if_there_is_one(
    tags: list[str], made: str, tmp_path: Path
) -> None:
    """The step's own script, in a repository with these tags and a `make` that says what it got."""
    for command in (
        *("init --quiet .", "config user.email a@example.com", "config user.name a"),
        "commit --quiet --allow-empty --message first",
        *(f"tag {tag}" for tag in tags),
    ):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    make = tmp_path / "make"
    make.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/made\n')
    make.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    run = [
        "bash",
        "--noprofile",
        "--norc",
        "-eo",
        "pipefail",
        "-c",
        script("check.yml", "Versions"),
    ]
    subprocess.run(run, cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path)}, check=True)
    left = tmp_path / "made"
    assert (left.read_text().strip() if left.exists() else "") == made
