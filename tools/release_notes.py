"""`python -m tools.release_notes v1.2.3`: the entry of that version in CHANGELOG.md."""

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def notes(changelog: str, tag: str) -> str:
    """The part under the heading of the tag's version. Raises ValueError if there is none.

    The headings are those of keepachangelog.com: `## [1.2.3] - 2026-01-31`, with or without
    brackets and date.
    """
    version = re.escape(tag.removeprefix("v"))
    heading = re.compile(rf"^## \[?{version}\]?(?: .*)?\n", re.MULTILINE)
    found = heading.search(changelog)
    if found is None:
        raise ValueError(f"CHANGELOG.md has no heading for {tag}")
    text, _, _ = changelog[found.end() :].partition("\n## ")
    if not text.strip():
        raise ValueError(f"CHANGELOG.md has nothing under the heading of {tag}")
    return text.strip() + "\n"


def main() -> None:
    try:
        print(notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1]), end="")
    except ValueError as error:
        raise SystemExit(f"release notes: {error}") from None


if __name__ == "__main__":
    main()
