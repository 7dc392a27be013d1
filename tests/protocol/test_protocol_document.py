"""The published protocol document: it agrees with the schemas."""

import subprocess
import sys
from pathlib import Path

import pytest

from protocol.document import heading_of
from protocol.schemas import GROUPS, ROOT, SCHEMAS, read
from tests.support.rows import rows

pytestmark = pytest.mark.slow

FILES = sorted(SCHEMAS.glob("*/*.json"))
DOCUMENT = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")


def section_of(file: Path) -> str:
    """The text under the file's heading, inside its group."""
    group = GROUPS[file.parent.name][0]
    frames = DOCUMENT.split(f"\n## {group}\n")[1].split("\n## ")[0]
    schema = read(file)
    heading = heading_of(file, schema)
    assert frames.count(f"\n{heading}\n") == 1
    return frames.split(f"\n{heading}\n")[1].split("\n### ")[0]


def test_every_generated_file_is_up_to_date() -> None:
    command = [sys.executable, "-m", "protocol.generate", "--check"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_schemas_are_found() -> None:
    assert {file.parent.name for file in FILES} == set(GROUPS)


@rows("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_frame_has_a_section_with_its_fields(file: Path) -> None:
    schema = read(file)
    section = section_of(file)
    assert schema["description"] in section
    for name in schema["properties"]:
        (row,) = (line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        required = "yes" if name in schema.get("required", []) else "no"
        assert f"| {required} |" in row
