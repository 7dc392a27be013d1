"""A run of the load test whose connections close: what was measured is kept."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest
from websockets.exceptions import ConnectionClosedError

from bench.raw_client import RawClient, Rejected
from tools.load_test import __main__ as command
from tools.load_test import run
from tools.load_test.run import Pair
from tools.load_test.steps import Step, Text

GOOD = Step(0, 10, 10, 10, 10, 20, 30, 40, 0)
CLOSED = ConnectionClosedError(None, None)


class Client:
    """Its connection has failed with `failure`, where there is one."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.synced = 0
        self.on_message: Any = None

    async def send(self, _chat: str, _payload: str, _name: str = "") -> float:
        if self.failure is not None:
            raise self.failure
        return asyncio.get_running_loop().time()

    async def sync(self, _chat: str) -> dict[str, Any]:
        if self.failure is not None:
            raise self.failure
        self.synced += 1
        return {}


def pair(sender: Client, receiver: Client) -> Pair:
    return cast(RawClient, sender), cast(RawClient, receiver), "chat"


@pytest.mark.parametrize("failure", [CLOSED, TimeoutError()], ids=repr)
def test_a_receiver_that_is_gone_leaves_what_was_measured_and_the_other_receivers(
    failure: Exception,
) -> None:
    left = Client()
    pairs = [pair(Client(), Client(failure)), pair(Client(), left)]
    texts = asyncio.run(run._sent(pairs, [100.0], 0.02, lambda _second, _texts: None))
    assert len(texts) == 2 and all(each.accepted is not None for each in texts)
    assert left.synced == 1


@pytest.mark.parametrize("failure", [CLOSED, TimeoutError(), Rejected("busy: wait")], ids=repr)
def test_a_text_that_can_not_be_sent_is_not_accepted(failure: Exception) -> None:
    text = Text(0.0)
    sender = cast(RawClient, Client(failure))
    asyncio.run(run._one(sender, "chat", "name", text, 0.0))
    assert text == Text(0.0)


@pytest.mark.parametrize(
    "failure", [CLOSED, TimeoutError("late"), Rejected("busy: wait")], ids=repr
)
def test_a_run_that_can_not_begin_is_an_error_in_one_line(
    failure: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def failing(*_: object) -> list[Text]:
        raise failure

    monkeypatch.setattr(command, "run", failing)
    arguments = ["load", "--api", "https://chat.example.com", "--state-dir", str(tmp_path)]
    monkeypatch.setattr("sys.argv", arguments)
    assert command.main() == 1
    assert capsys.readouterr().err == f"load: {failure}\n"


def test_a_run_is_compared_with_the_one_before_of_the_same_system(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def compared(api: str) -> bool:
        command._reported(api, [GOOD], tmp_path)
        return "the run before" in capsys.readouterr().out

    assert [compared(api) for api in ("a", "a", "b", "a", "b", "b")] == [
        *(False, True, False, False, False),
        True,
    ]
    assert json.loads((tmp_path / "last.json").read_text())["api"] == "b"


@pytest.mark.parametrize(
    "kept", ["", "[]", "{}", '{"api": "a"}', '{"api": "a", "steps": [{}]}', "5"]
)
def test_what_is_no_run_is_not_compared(
    kept: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "last.json").write_text(kept)
    command._reported("a", [GOOD], tmp_path)
    assert "the run before" not in capsys.readouterr().out
