"""make deploy and make destroy: the checks before the CDK starts, and the arguments it gets."""

import os
import subprocess
from pathlib import Path

import pytest

from stacks.config import preflight
from stacks.config.environments import ENVIRONMENTS
from tests.support.rows import rows

ROOT = Path(__file__).parents[2]
DEV = ("-c", "env=dev")
PLACE = (
    "-c",
    "account=123456789012",
    "-c",
    "region=eu-west-1",
    "-c",
    "load_balancer.plain_http=true",
)
PROD = ("-c", "env=prod", *PLACE)
LET_GO = ("-c", "retain=false", "-c", "deletion_protection=false")
APPROVED = ("--require-approval", "never")


def stopped(*arguments: str, terminal: bool = True) -> str | None:
    """The message, or None where the command goes on."""
    try:
        preflight.main(arguments, terminal=terminal)
    except SystemExit as stop:
        return str(stop)
    return None


@rows(
    ("arguments", "terminal", "message"),
    [
        (DEV, True, None),
        ((*PROD, "--exclusively"), True, None),
        (DEV, False, 'add ARGS="--require-approval never"'),
        (PROD, False, 'add ARGS="--require-approval never"'),
        ((*DEV, "--require-approval", "broadening"), False, 'add ARGS="--require-approval never"'),
        ((*DEV, *APPROVED), False, None),
        ((*DEV, "--require-approval=never"), False, None),
        ((*DEV, "--yes"), False, None),
        ((*PROD, *APPROVED, "--role-arn", "arn:aws:iam::123456789012:role/x"), False, None),
        (("-c", "env=qa"), True, "env is 'qa', but the environments are"),
        ((*DEV, "-c", "log_level=LOUD"), True, "log_level is 'LOUD', but"),
        ((*DEV, "--context", "log_level=LOUD"), True, "log_level is 'LOUD', but"),
        ((*DEV, "-c", "waf"), True, "-c waf has no value"),
    ],
)
def test_a_deployment_stops_before_it_starts_or_not_at_all(
    arguments: tuple[str, ...], terminal: bool, message: str | None
) -> None:
    found = stopped("deploy", *arguments, terminal=terminal)
    assert found is None if message is None else message in (found or "")


@rows(
    ("arguments", "terminal", "message"),
    [
        (DEV, True, None),
        ((*DEV, "--force"), False, None),
        ((*DEV, "-f"), False, None),
        ((*DEV, "-y"), False, None),
        (DEV, False, 'add ARGS="--force"'),
        ((*PROD, *LET_GO), True, None),
        ((*PROD, *LET_GO), False, 'add ARGS="--force"'),
        (PROD, True, "retain of prod is true"),
        ((*PROD, "--force"), False, "retain of prod is true"),
        ((*PROD, "-c", "deletion_protection=true"), True, "retain and deletion_protection of prod"),
        ((*DEV, "-c", "deletion_protection=true"), True, "where retain is False"),
        (
            (*PROD, *LET_GO[:2], "-c", "deletion_protection=true"),
            True,
            "where retain is False",
        ),
    ],
)
def test_only_what_protects_nothing_is_destroyed(
    arguments: tuple[str, ...], terminal: bool, message: str | None
) -> None:
    found = stopped("destroy", *arguments, terminal=terminal)
    assert found is None if message is None else message in (found or "")


def test_the_error_explains_how_to_destroy_and_that_works() -> None:
    error = stopped("destroy", *PROD, "-c", "deletion_protection=true") or ""
    first, second = (part.split('"')[0] for part in error.split('ARGS="')[1:])
    assert first == second
    assert "make deploy env=prod" in error
    assert "make destroy env=prod" in error
    assert stopped("deploy", "-c", "env=prod", *first.split()) is None
    assert stopped("destroy", "-c", "env=prod", *second.split()) is None
    assert "account=123456789012" in first  # the settings that were given are kept


@pytest.mark.slow
@pytest.mark.parametrize("target", ["bootstrap", "diff", "deploy", "destroy"])
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_make_hands_on_the_environment_and_the_arguments(target: str, env: str) -> None:
    *checks, cdk = _commands(target, f"env={env}", "ARGS=-c account=123456789012 --verbose")
    given = f"-c env={env} -c account=123456789012 --verbose"
    stacks = "" if target == "bootstrap" else f" '{env}/*'"
    assert cdk.endswith(f"aws-cdk@2.1148.1 {target} {given}{stacks}")
    checked = [f".venv/bin/python -m stacks.config.preflight {target} {given}"]
    assert checks == (checked if target in ("deploy", "destroy") else [])


@pytest.mark.slow
def test_make_deploys_the_stacks_that_are_named() -> None:
    assert _commands("deploy", "stacks=Web Chat", "ARGS=--exclusively")[-1].endswith(
        "deploy -c env=dev --exclusively 'dev/Web' 'dev/Chat'"
    )


@pytest.mark.slow
def test_make_synthesizes_with_the_settings_that_are_given() -> None:
    (synth,) = _commands("synth", "env=prod", "ARGS=-c region=eu-west-1")
    assert (
        """CDK_CONTEXT_JSON='{"env":"prod"}' .venv/bin/python app.py -c region=eu-west-1""" in synth
    )


@pytest.mark.slow
def test_a_profile_reaches_aws_from_the_commands_that_may_use_credentials_and_no_other() -> None:
    profile = {"AWS_PROFILE": "work"}
    for target in ("bootstrap", "diff", "deploy", "destroy"):
        assert _commands(target, **profile)[-1].startswith("AWS_PROFILE='work' ")
    for target in ("synth", "dev", "test-emulator"):
        found = _commands(target, **profile)
        assert "AWS_ACCESS_KEY_ID=local" in found[-1]  # before it the page may be built
        assert not any("AWS_PROFILE" in each for each in found)


def _commands(target: str, *variables: str, **environment: str) -> list[str]:
    """What make would run, one after the other, with .venv and the page as they are."""
    built = (".venv/.installed", "web/node_modules/.installed", "lambdas/page/files.json")
    ready = [word for each in built for word in ("-o", each)]
    done = subprocess.run(
        ["make", "-n", "--no-print-directory", *ready, target, *variables],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    joined = done.stdout.replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines()]
