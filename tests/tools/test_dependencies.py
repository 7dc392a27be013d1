"""The emulator's dependencies: its own pyproject and the project's developer group agree."""

import tomllib

from tools.words import ROOT

# The comment above the emulator's entries in the group.
SECTION = "# the emulator; emulator/pyproject.toml names the same, which it needs by itself"
BUILDS_IT = {"setuptools"}


def _in_section() -> set[str]:
    """The entries of the developer group between the emulator's comment and the next blank line."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    entries = text.partition(SECTION)[2].partition("\n\n")[0]
    return set(tomllib.loads(f"entries = [{entries}\n]")["entries"])


def test_the_developer_group_has_just_what_the_emulator_depends_on() -> None:
    emulator = tomllib.loads((ROOT / "emulator/pyproject.toml").read_text(encoding="utf-8"))
    assert _in_section() == set(emulator["project"]["dependencies"]) | BUILDS_IT
