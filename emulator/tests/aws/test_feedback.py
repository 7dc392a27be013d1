"""What SNS logs of a push: which pushes, where, and in which form."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.aws.feedback import Feedback
from emulator.aws.outcome import Outcome, Result

APPLICATION = "arn:aws:sns:us-east-1:123456789012:app/GCM/chat-fcm"
ENDPOINT = "arn:aws:sns:us-east-1:123456789012:endpoint/GCM/chat-fcm/one"
GROUP = "sns/us-east-1/123456789012/app/GCM/chat-fcm"
TAKEN = Result(Outcome.delivered, 200, '{"name":"m1"}')
GONE = Result(Outcome.unregistered, 404, "UNREGISTERED")
UNREACHABLE = Result(Outcome.try_again)
BOTH = {"SuccessFeedbackRoleArn": "role", "FailureFeedbackRoleArn": "role"}


def written(tmp_path: Path, attributes: dict[str, str], result: Result) -> dict[str, Any]:
    """The lines, by log group."""
    application = SimpleNamespace(arn=APPLICATION, attributes=attributes)
    endpoint = SimpleNamespace(arn=ENDPOINT, application=application, attributes={"Token": "t"})
    feedback = Feedback(tmp_path, now=lambda: 100.25, random=lambda: 0.5)
    feedback.write(endpoint, "id", 100.0, 2, result)
    return {
        str(file.relative_to(tmp_path).with_suffix("")): json.loads(file.read_text())
        for file in tmp_path.rglob("*.log")
    }


@pytest.mark.parametrize(
    ("attributes", "result", "group"),
    [
        ({}, TAKEN, None),
        ({}, GONE, None),
        (BOTH, TAKEN, GROUP),
        (BOTH, GONE, f"{GROUP}/Failure"),
        (BOTH, UNREACHABLE, f"{GROUP}/Failure"),
        (BOTH | {"SuccessFeedbackSampleRate": "51"}, TAKEN, GROUP),
        (BOTH | {"SuccessFeedbackSampleRate": "50"}, TAKEN, None),
        (BOTH | {"SuccessFeedbackSampleRate": "0"}, GONE, f"{GROUP}/Failure"),
        ({"SuccessFeedbackRoleArn": "role"}, GONE, None),
        ({"FailureFeedbackRoleArn": "role"}, TAKEN, None),
    ],
)
def test_all_failures_are_logged_and_of_successes_a_sample(
    tmp_path: Path, attributes: dict[str, str], result: Result, group: str | None
) -> None:
    assert list(written(tmp_path, attributes, result)) == ([group] if group else [])


def test_an_application_whose_log_would_be_elsewhere_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(globals(), "APPLICATION", APPLICATION.replace("chat-fcm", ".."))
    assert written(tmp_path, BOTH, GONE) == {}
    assert "not supported" in capsys.readouterr().out


def test_a_line_has_the_fields_that_aws_documents(tmp_path: Path) -> None:
    (line,) = written(tmp_path, BOTH, GONE).values()
    assert line == {
        "notification": {"messageId": "id", "timestamp": "1970-01-01 00:01:40.000"},
        "delivery": {
            "destination": ENDPOINT,
            "token": "t",
            "attempts": 2,
            "dwellTimeMs": 250,
            "statusCode": 404,
            "providerResponse": "UNREGISTERED",
        },
        "status": "FAILURE",
    }


def test_a_platform_that_did_not_respond_has_no_status(tmp_path: Path) -> None:
    (line,) = written(tmp_path, BOTH, UNREACHABLE).values()
    assert "statusCode" not in line["delivery"]
    assert line["delivery"]["providerResponse"] == "the platform could not accept it now"
