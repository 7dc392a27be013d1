"""The operator's command: what it invokes, how it repeats, and what it says."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from emulator.runtime.endpoints import Endpoints
from tools import operator


class Lambda:
    """Gives its responses in turn."""

    def __init__(self, *responses: dict[str, Any], error: bool = False) -> None:
        self.responses = list(responses)
        self.error = {"FunctionError": "Unhandled"} if error else {}
        self.invoked: list[tuple[str, Any]] = []
        self.options: dict[str, Any] = {}

    def client(self, service: str, **options: Any) -> "Lambda":
        assert service == "lambda"
        self.options = options
        return self

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.invoked.append((request["FunctionName"], json.loads(request["Payload"])))
        payload = json.dumps(self.responses.pop(0)).encode()
        return {"Payload": BytesIO(payload), **self.error}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def using(monkeypatch: pytest.MonkeyPatch, functions: Lambda) -> Lambda:
    monkeypatch.setattr("boto3.client", functions.client)
    return functions


def test_an_environment_s_function_is_invoked_with_the_operator_s_own_credentials(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = using(monkeypatch, Lambda({"done": True}))
    assert operator.main(["disable", "ravi", "--env", "prod"]) == 0
    event = {"act": "disable", "user": "ravi"}
    assert functions.invoked == [("switchboard-prod-operator", event)]
    assert functions.options.keys() == {"config"}
    assert "ravi is disabled" in capsys.readouterr().out


def test_without_an_environment_it_is_what_runs_here_with_dummies(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = using(monkeypatch, Lambda({"done": True}))
    assert operator.main(["enable", "ravi"]) == 1
    assert "nothing runs here" in capsys.readouterr().err
    assert functions.invoked == []
    Endpoints(
        env="dev", api="a", websocket="w", aws="http://aws", fcm="f", apns="p", console="c", pid=1
    ).write(here / ".local")
    assert operator.main(["enable", "ravi"]) == 0
    assert functions.invoked[0][0] == "switchboard-dev-operator"
    assert functions.options["endpoint_url"] == "http://aws"
    assert functions.options["aws_access_key_id"] == "local"


def test_a_deletion_is_repeated_until_it_is_done_and_asks_before(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = using(monkeypatch, Lambda({"done": False}, {"done": False}, {"done": True}))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "raju")
    assert operator.main(["delete", "ravi", "--env", "dev"]) == 1
    assert functions.invoked == []
    monkeypatch.setattr("builtins.input", lambda _: "ravi")
    assert operator.main(["delete", "ravi", "--env", "dev"]) == 0
    assert len(functions.invoked) == 3


@pytest.mark.parametrize(
    ("functions", "expected"),
    [
        (
            Lambda({"error": {"code": "not_found", "message": "there is no account x"}}),
            "no account",
        ),
        (Lambda({"errorMessage": "Task timed out", "errorType": "x"}, error=True), "timed out"),
    ],
)
def test_errors_are_reported_and_are_no_success(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    functions: Lambda,
    expected: str,
) -> None:
    using(monkeypatch, functions)
    assert operator.main(["delete", "ravi", "--env", "dev", "--yes"]) == 1
    assert expected in capsys.readouterr().err
