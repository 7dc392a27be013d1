"""The notes of a release: the part of the changelog that has its version."""

import pytest

from tools.release_notes import notes

CHANGELOG = """# Changelog

## Unreleased

- later

## [1.10.0] - 2026-03-01

### Added
- a thing

## 1.1.0
- another

## 1.0.0
"""


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("v1.10.0", "### Added\n- a thing\n"), ("v1.1.0", "- another\n"), ("1.1.0", "- another\n")],
)
def test_a_version_has_what_stands_under_its_heading(tag: str, expected: str) -> None:
    assert notes(CHANGELOG, tag) == expected


@pytest.mark.parametrize("tag", ["v1.1", "v1.10", "v2.0.0", "v1.0.0", "v1.1.00", "v1x1.0"])
def test_a_version_without_notes_is_no_release(tag: str) -> None:
    with pytest.raises(ValueError, match=r"CHANGELOG\.md"):
        notes(CHANGELOG, tag)
