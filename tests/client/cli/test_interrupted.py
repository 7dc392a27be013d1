"""Ctrl-C before the command line is there: while its modules load."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import pytest

import client.__main__
import emulator.__main__


@pytest.mark.parametrize(
    ("loaded", "run"),
    [
        ("client.cli.main", client.__main__.run),
        ("emulator.cli", emulator.__main__.main),
    ],
)
def test_ctrl_c_while_modules_load_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, loaded: str, run: Callable[[], int]
) -> None:
    real: Any = builtins.__import__

    def interrupted(name: str, *arguments: Any, **named: Any) -> Any:
        if name == loaded:
            raise KeyboardInterrupt
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    assert run() == 130
