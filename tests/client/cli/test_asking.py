"""Questions of the command line in a terminal, and Ctrl-C while one waits."""

from __future__ import annotations

import asyncio
import signal
from argparse import Namespace
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from client.cli import options
from client.cli.asking import asked, typed
from client.cli.options import UsageError, parse


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("secret\r", "secret"),
        ("wrong\x7f\x7f\x7f\x7f\x7fright\r", "right"),
        ("\r", ""),
        ("half\x03", None),  # Ctrl-C
        ("\x04", None),  # Ctrl-D
    ],
)
def test_ctrl_c_and_ctrl_d_end_a_question_at_once(
    keys: str, answer: str | None, seen: bool
) -> None:
    def ask() -> str:
        try:
            return asyncio.run(typed("password: ", seen=seen))
        except KeyboardInterrupt:  # would end the process of all tests
            pytest.fail("Ctrl-C went through")

    before = signal.getsignal(signal.SIGINT)
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text(keys)
        if answer is not None:
            assert ask() == answer
        else:
            with pytest.raises(UsageError, match="nothing has changed"):
                ask()
    assert signal.getsignal(signal.SIGINT) is before


def test_without_a_terminal_there_is_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Namespace(isatty=lambda: False))
    with pytest.raises(UsageError, match="needs a terminal"):
        asyncio.run(asked("password: "))


def test_ctrl_c_ends_the_question_for_the_password_while_the_loop_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def typing(prompt: str) -> str:
        # as the signal would, which ends the process of all tests where nothing handles it
        handler = signal.getsignal(signal.SIGINT)
        assert callable(handler)
        handler(signal.SIGINT, None)
        return "what was typed after Ctrl-C"

    monkeypatch.setattr("sys.stdin", Namespace(isatty=lambda: True))
    monkeypatch.delenv(options.PASSWORD_VARIABLE, raising=False)
    monkeypatch.setattr("getpass.getpass", typing)
    arguments = ["--user", "ravi", "--api", "http://127.0.0.1:1", "--data", str(tmp_path)]
    password = parse(arguments, tmp_path).password

    async def sign_in() -> str:
        return password()

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(sign_in())
    assert signal.getsignal(signal.SIGINT) is before
