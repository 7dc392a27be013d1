"""The emulator's dependencies: its own pyproject and the project's developer group agree."""

import tomllib
from typing import Any

from tools.words import ROOT

# The comment above the emulator's entries in the group.
SECTION = "# the emulator; emulator/pyproject.toml names the same, which it needs by itself"
BUILDS_IT = {"setuptools"}
ALSO_A_CHECK = {"cfn-lint"}  # stands with the checks of the group


def _read(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


def _in_section() -> set[str]:
    """The entries of the developer group between the emulator's comment and the next one."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip() == SECTION)
    entries = []
    for line in lines[start + 1 :]:
        if not line.strip():
            break
        entries.append(line.strip())
    document = tomllib.loads("entries = [\n" + "\n".join(entries) + "\n]")
    return set(document["entries"])


def test_the_developer_group_has_just_what_the_emulator_depends_on() -> None:
    own = set(_read("emulator/pyproject.toml")["project"]["dependencies"])
    assert _in_section() == own - ALSO_A_CHECK | BUILDS_IT


def test_what_stands_with_the_checks_is_in_the_developer_group() -> None:
    assert ALSO_A_CHECK <= set(_read("pyproject.toml")["dependency-groups"]["developer"])
