"""Resource schemas are read from cfn-lint's files, without its code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.providers import EmulatorError
from emulator.rehearsal import schemas


def test_a_type_that_nobody_knows_has_none() -> None:
    assert schemas.schema("AWS::Nothing::AtAll") == {}


def test_the_code_of_cfn_lint_is_not_loaded() -> None:
    """A running system has compared its templates, and would keep it."""
    code = (
        "import sys\nfrom emulator.rehearsal.rehearsal import rehearse\n"
        "from emulator.rehearsal.schemas import create_only\n"
        "print(create_only('AWS::SQS::Queue'), 'cfnlint' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert printed.stdout.decode().split("\n")[0] == "(('FifoQueue',), ('QueueName',)) False"


def test_another_layout_of_cfn_lint_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "_directory", lambda: tmp_path)
    schemas.files.cache_clear()
    try:
        with pytest.raises(EmulatorError, match="cfn-lint has no schemas there"):
            schemas.schema("AWS::SQS::Queue")
        (tmp_path / "providers").mkdir()
        for name in (schemas.REGION, "sam"):
            (tmp_path / "providers" / f"{name}.json").write_text('{"AWS::SQS::Queue": "queue"}')
        with pytest.raises(EmulatorError, match="cfn-lint has no schemas there"):
            schemas.schema("AWS::SQS::Queue")
    finally:
        schemas.files.cache_clear()
