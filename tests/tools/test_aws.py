"""`make aws`: the AWS command line, on nothing but what runs here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import aws

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8083"


def test_nothing_of_the_shells_aws_settings_is_left() -> None:
    shell = {
        "PATH": "/bin",
        "AWS_PROFILE": "prod",
        "AWS_REGION": "eu-west-1",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-west-1.amazonaws.com",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
    }
    made = aws.environment(shell, URL)
    assert made["PATH"] == "/bin"
    assert made["AWS_ENDPOINT_URL"] == URL
    assert (made["AWS_REGION"], made["AWS_DEFAULT_REGION"]) == ("us-east-1", "us-east-1")
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"} & made.keys()
    assert not any("eu-west-1" in value or "amazonaws" in value for value in made.values())


def test_without_a_system_it_says_what_starts_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert aws.main(["sqs", "list-queues"]) == 1
    assert capsys.readouterr().err == "aws: nothing runs here: start it with `make dev`\n"


def test_without_the_program_it_says_where_to_get_it(tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    code = (
        "from tools import aws\n"
        "aws.lock.holder = lambda _state: 7\n"
        "known = {name: '' for name in 'env api websocket aws fcm apns console'.split()}\n"
        "aws.endpoints.read = lambda _state: aws.endpoints.Endpoints(**known, pid=7)\n"
        "raise SystemExit(aws.main(['sqs', 'list-queues']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": str(tmp_path), "PYTHONPATH": f"{ROOT}:{ROOT / 'emulator/src'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, aws.INSTALL in done.stderr) == (1, True), done.stderr
