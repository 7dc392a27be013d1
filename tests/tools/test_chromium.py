"""Which Chromium the tests and tools start: CHROMIUM's, the headless shell, or the whole program."""

from pathlib import Path

import pytest

from tools import chromium

SHELL, WHOLE, NAMED = "chromium-headless-shell", "chromium", "another"


@pytest.mark.parametrize(
    ("named", "installed", "whole", "headless"),
    [
        ("", {SHELL, WHOLE}, WHOLE, SHELL),
        ("", {WHOLE}, WHOLE, WHOLE),
        ("", {SHELL}, None, SHELL),
        ("", set(), None, None),
        (NAMED, {SHELL, WHOLE, NAMED}, NAMED, NAMED),
        (NAMED, {SHELL, WHOLE}, None, None),  # what is named is meant
    ],
)
def test_the_smaller_program_is_taken_where_it_is_enough(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str,
    installed: set[str],
    whole: str | None,
    headless: str | None,
) -> None:
    for program in installed:
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CHROMIUM", str(tmp_path / named) if named else "")
    monkeypatch.setattr(chromium, "ON_MACOS", ())
    found = [chromium.chromium(), chromium.headless()]
    assert [each and Path(each).name for each in found] == [whole, headless]
