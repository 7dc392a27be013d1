"""Logs: the content of a request can't forge a line of them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.rows import rows

from emulator.cli import logs

FORGING = "\v\f\r\x1b\x1c\x1d\x1e\x7f\x85\u061c\u200e\u200f\u2028\u2029\u202e\u2066\u2069"


@rows("character", FORGING)
def test_a_record_is_one_line_and_reads_as_it_is(character: str) -> None:
    record = logging.makeLogRecord({"msg": f"a path{character}INFO forged", "levelname": "INFO"})
    written = logs.Formatter("%(levelname)s %(message)s").format(record)
    assert len(written.splitlines()) == 1 and character not in written
    assert written.startswith("INFO a path\\") and written.endswith("INFO forged")


@pytest.mark.parametrize("character", FORGING)
def test_what_a_function_has_printed_is_shown_line_by_line(
    character: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Api.log").write_bytes(f"one{character}two\n\tthrée\n".encode())
    assert logs.show(tmp_path, "Api", follow=False) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines() == [f"one{logs.visible(character)}two", "\tthrée"]


def test_a_log_that_is_empty_says_so_beside_its_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Api.log").touch()
    assert logs.show(tmp_path, "Api", follow=False) == 0
    assert capsys.readouterr() == ("", "Api has printed nothing yet\n")
