"""The command line against a running system, as the README shows it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.running_system import WITHIN

pytestmark = pytest.mark.xdist_group("story")

Name = Callable[[str], str]


def chat(endpoints: dict[str, Any], data: Path, user: str, *arguments: str, say: str) -> str:
    """What the command prints when these lines are typed; a user's state is kept in `data`."""
    options = ["--api", endpoints["api"], "--data", str(data), "--password", "Correct-horse-7"]
    done = subprocess.run(
        [sys.executable, "-m", "client", "--user", user, *options, *arguments],
        input=say,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.deep
def test_lines_typed_to_somebody_who_is_away_wait_for_him_in_order(
    endpoints: dict[str, Any], tmp_path: Path, name: Name
) -> None:
    ravi, raju = name("ravi"), name("raju")
    assert "* online" in chat(endpoints, tmp_path, raju, say="/quit\n")
    lines = [f"line {n}" for n in range(1, 6)]
    output = chat(endpoints, tmp_path, ravi, "--to", raju, say="\n".join([*lines, ""]))
    assert [line for line in output.splitlines() if line.startswith("sent")] == [
        f"sent {n} line {n}" for n in range(1, 6)
    ]
    heard = chat(endpoints, tmp_path, raju, "--to", ravi, say="here I am\n")
    assert [line for line in heard.splitlines() if line.startswith(ravi)] == [
        f"{ravi}: {line}" for line in lines
    ]
    output = chat(endpoints, tmp_path, ravi, "--to", raju, say="/quit\n")
    assert "read 5" in output.splitlines()
    assert f"{raju}: here I am" in output.splitlines()


def test_a_wrong_password_is_reported_in_one_sentence(
    endpoints: dict[str, Any], tmp_path: Path, name: Name
) -> None:
    ravi = name("ravi")
    chat(endpoints, tmp_path, ravi, say="/quit\n")
    command = [sys.executable, "-m", "client", "--user", ravi, "--password", "Wrong-horse-77"]
    options = ["--api", endpoints["api"], "--data", str(tmp_path / "elsewhere")]
    done = subprocess.run(
        [*command, *options], input="", capture_output=True, text=True, timeout=WITHIN, check=False
    )
    assert done.returncode != 0
    assert "password" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
