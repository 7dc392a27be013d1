"""The published protocol document says what the schemas say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from docs import generate_protocol

SCHEMAS = sorted(generate_protocol.SCHEMAS.glob("*/*.json"))
DOCUMENT = generate_protocol.DOCUMENT.read_text(encoding="utf-8")


def section_of(file: Path) -> str:
    """The text under the file's heading, inside its group."""
    group = generate_protocol.GROUPS[file.parent.name][0]
    frames = DOCUMENT.split(f"\n## {group}\n")[1].split("\n## ")[0]
    schema = json.loads(file.read_text(encoding="utf-8"))
    heading = generate_protocol.heading_of(file, schema)
    assert frames.count(f"\n{heading}\n") == 1
    return frames.split(f"\n{heading}\n")[1].split("\n### ")[0]


def test_the_document_is_up_to_date() -> None:
    script = [sys.executable, generate_protocol.__file__, "--check"]
    answer = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_schemas_are_found() -> None:
    assert {file.parent.name for file in SCHEMAS} == set(generate_protocol.GROUPS)


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_frame_has_a_section_with_its_fields(file: Path) -> None:
    schema = json.loads(file.read_text(encoding="utf-8"))
    section = section_of(file)
    assert schema["description"] in section
    for name in schema["properties"]:
        (row,) = (line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        required = "yes" if name in schema.get("required", []) else "no"
        assert f"| {required} |" in row
