"""The check of words: what it finds, what it lets pass, and where."""

from pathlib import Path

import pytest

from tests.support.rows import rows
from tools.words import ALLOWED, ROOT, allowed, check, files, found, found_below


@rows(
    ("line", "words"),
    [
        ("def _refusal(code):", ["refusal"]),
        ("class ARefusal(Exception):", ["Refusal"]),
        ("self.not_played = NotPlayed()", ["not_played", "NotPlayed"]),
        ("REFUSALS = {}", ["REFUSALS"]),
        ("AWS refused it; theirs was refused", []),
        ("self._group = told", ["told"]),
        ("Nobody is told. It plays.", ["told", "plays"]),
        ("def test_a_client_is_told_and_plays_on():", []),
        ("Over is over: whyever", ["Over is over", "whyever"]),
        ("What is owed is in the table owed.", ["What is owed"]),
        ("make deploy env=staging", []),
    ],
)
def test_old_words_are_found_in_names_and_in_texts(line: str, words: list[str]) -> None:
    assert [word for _, word, _ in found(line)] == words


def test_a_finding_names_the_line_and_the_term_to_use(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("# A page\n\nThe refusal comes at once.\n")
    (tmp_path / "docs" / "glossary.md").write_text("| error | not refusal |\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "theirs.js").write_text("const refusal = 1;\n")
    assert check(tmp_path) == ["docs/page.md:3: 'refusal': use error"]


@rows(
    ("path", "line", "words"),
    [
        ("emulator/src/a.py", "no_answer = ANSWERS[0]", ["answer", "ANSWERS"]),
        ("emulator/README.md", "It said what it kept.", ["said", "kept"]),
        ("emulator/src/a.py", "responses are retained", []),
        ("lambdas/a.py", "# refused: _said, which answers", ["refused", "said", "answers"]),
        ("lambdas/a.py", "a request that nobody has answered", []),
        ("stacks/a.py", "the API answers", ["answers"]),
        ("client/a.py", "the answer is kept", []),
        ("client/a.py", "whoever comes, as it came", ["as it came", "whoever"]),
        ("web/src/app/a.ts", "whoever refused", ["refused", "whoever"]),
        ("tests/a.py", "whoever comes", []),
        (
            "client/a.py",
            "keys that are believed; ConnectionRefusedError; refused",
            ["believed", "refused"],
        ),
        ("web/src/client/a.ts", "class Refused", ["Refused"]),
        ("emulator/src/a.py", "log.tell() hears", ["hears"]),
        ("tests/a.py", "def test_who_is_told():", ["test_who_is_told"]),
        ("emulator/tests/a.py", "def test_it_was_told():", ["test_it_was_told"]),
        ("tests/a.py", "def test_it_is_rejected(told):", []),
    ],
)
def test_some_words_are_found_below_one_folder(path: str, line: str, words: list[str]) -> None:
    assert sorted(word for _, word, _ in found_below(path, line)) == sorted(words)


@pytest.mark.parametrize(("path", "word"), [(path, word) for path, word, _ in ALLOWED])
def test_every_exception_is_needed(path: str, word: str) -> None:
    text = (ROOT / path).read_text()
    words = [each for _, each, _ in (*found(text), *found_below(path, text))]
    assert any(word in ("", each.lower()) for each in words)
    assert all(allowed(path, each) for each in words)


def test_sources_tests_and_texts_are_looked_at() -> None:
    looked_at = {path.relative_to(ROOT).as_posix() for path in files(ROOT)}
    assert {
        "Makefile",
        "README.md",
        "docs/protocol.md",
        "lambdas/messages/send.py",
        "lambdas/protocol/client/send.json",
        "tests/tools/test_words.py",
        "web/src/client/index.ts",
        "stacks/build/bundle.py",
        "emulator/src/emulator/cli/commands.py",
    } <= looked_at
