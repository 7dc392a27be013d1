"""The links of the documents: files, headings and names in the code that they lead to exist."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ELSEWHERE = {".venv", ".local", "node_modules", "cdk.out"}
# It becomes a part of docs/protocol.md, so its links start from there.
BASES = {"protocol/introduction.md": "docs/protocol.md"}
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
NAME = re.compile(r"`(?:\w+\.)+(\w+)`")
MODULES = {"py", "ts"}
# [test_send.py](../tests/test_send.py) `the name of a test`, `and another one`
TESTS = re.compile(r"\]\(([^)\s]*test[^)\s]*\.(?:py|ts))\)((?:,? `[^`]+`)+)")


def pages(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in ELSEWHERE and not path.name.startswith("."):
            yield from pages(path)
        elif path.suffix == ".md":
            yield path


def text(page: Path) -> str:
    """Without blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", text(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


def broken(page: Path, base: Path) -> Iterator[str]:
    for label, target in LINK.findall(text(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = base.parent / file if file else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield target
        elif path.suffix == ".py" and (name := NAME.fullmatch(label)) and name[1] not in MODULES:
            defined = rf"^(?:async )?(?:def|class) {name[1]}\b"
            if not re.search(defined, path.read_text(encoding="utf-8"), flags=re.MULTILINE):
                yield f"{label} in {target}"


def untested(page: Path) -> Iterator[str]:
    """Tests that the page names behind a link to their file, and that are not in it."""
    for target, names in TESTS.findall(text(page)):
        code = (page.parent / target).read_text(encoding="utf-8")
        yield from (each for each in re.findall("`([^`]+)`", names) if each not in code)


def test_what_a_page_names_behind_a_link_to_a_file_of_tests_is_in_that_file() -> None:
    page = ROOT / "docs" / "testing.md"
    assert len(TESTS.findall(text(page))) > 15
    assert list(untested(page)) == []


def test_every_link_of_a_page_leads_somewhere() -> None:
    names = [page.relative_to(ROOT).as_posix() for page in pages()]
    found = {name: list(broken(ROOT / name, ROOT / BASES.get(name, name))) for name in names}
    assert len(names) > 100
    assert {name: links for name, links in found.items() if links} == {}


def test_a_link_to_what_is_not_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("def here():\n    pass\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# One heading, here\n"
        "[a](code.py) [`code.here`](code.py) [b](#one-heading-here) [c](https://example.com/x)\n"
        "[d](gone.md) [`code.gone`](code.py) [e](#another) [f](page.md#none)\n"
    )
    assert list(broken(page, page)) == [
        "gone.md",
        "`code.gone` in code.py",
        "#another",
        "page.md#none",
    ]
