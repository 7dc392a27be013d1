"""The check of words: names and texts use the terms of docs/glossary.md, not the old ones.

    python -m tools.words

Prints file:line, the word, and the term to use in its place; exits with 1 if there is any.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUFFIXES = {".py", ".ts", ".js", ".html", ".css", ".md", ".json", ".toml"}
BUILT = "files.json"  # in the folder of the built page
SKIPPED = {"node_modules", "dist", "cdk.out", "__pycache__", "package-lock.json"}

# In texts and as a part of names (`_refusal`, `NotPlayed`): old word, and what to use instead.
IN_NAMES = {
    r"errands?": "to-device message",
    r"commissions?": "to-device message",
    r"heirs?": "subclass",
    r"refusals?": "error",
    r"not_?played": "unsupported",
    r"tombstones?": "void item",
    r"in_vain": "without success",
}
# As a word of its own: names of tests are sentences, and may have them.
AS_WORDS = {
    r"told": "notified, reported, or the name of what it holds",
    r"plays|played": "emulates, or runs",
    r"fleets?": "pool",
    r"whyever": "for whatever reason",
    r"over is over": "exactly once",
    r"all the same": "anyway",
    r"in vain": "without success",
    r"what is owed": "the name of what is missing",
    r"drain time": "deregistration delay",
    r"dry[ -]run": "rehearsal",
    r"local[ -]mode": "the emulator",
}
_ANSWER = {r"answer\w*": "response, result, or a form of respond"}
_REFUSE = {r"refus\w*": "reject, deny or decline"}
_BELIEVE = {r"believ\w*": "accept"}
_SAY = {r"said|tells?|telling": "report, notify, or the name of what it holds"}
_UNNAMED = {
    r"whoever|whomever": "the role: a device that, a user who, anybody who",
    r"as (?:it|they) came": "unchanged, or as received",
}
# Names of tests are sentences.
_TEST_NAMES = {
    r"test_\w*_(?:told|tells?|said|heard|hears?)(?:_\w*)?": "reported, notified or shown",
}
# The same below one folder: words that other folders still have. In lambdas and the protocol a
# person answers a request to chat, so there the word stays.
IN_FOLDERS = {
    "lambdas/": {r"answers": _ANSWER[r"answer\w*"], **_REFUSE, **_SAY, **_UNNAMED},
    "protocol/": {**_REFUSE, **_SAY, **_UNNAMED},
    "stacks/": {**_ANSWER, **_REFUSE, **_SAY, **_UNNAMED},
    "tools/": {**_ANSWER, **_REFUSE, **_SAY, **_UNNAMED},
    "bench/": {**_ANSWER, **_REFUSE, **_SAY, **_UNNAMED},
    "client/": {**_REFUSE, **_BELIEVE, **_UNNAMED},
    "docs/": _UNNAMED,
    "web/src/": {**_REFUSE, **_BELIEVE, **_UNNAMED},
    "web/src/app/": _SAY,
    "web/src/worker/": _SAY,
    "emulator/": {
        **_ANSWER,
        r"said": "reported, printed, or the name of what it holds",
        r"bonds?": "sticky session",
        r"kept": "persisted, retained, or the name of what it holds",
        r"tells|telling|heard|hears": "report, notify, or the name of what it holds",
        r"stumbles?": "fails",
        r"orders from": "commands from",
    },
    "tests/": _TEST_NAMES,
    "emulator/tests/": _TEST_NAMES,
}
# File, word, and why it may stand there. No word: all of them.
ALLOWED = (
    ("CHANGELOG.md", "", "its entries say what was, in the words of their time"),
    ("docs/glossary.md", "", "its last column has the words that are not used"),
    ("tools/words.py", "", "the list itself"),
    ("tests/tools/test_words.py", "", "the list's test"),
    ("client/store/tables.py", "errands", "the name of a table in files that exist"),
    *(
        (f"web/src/client/crypto/{name}.ts", "refused", "the name of a field in stores that exist")
        for name in ("encryption", "rotation", "sealing")
    ),
    ("client/crypto/to_device.py", "errands", "the name of a table in files that exist"),
)

_INSTEAD = (*IN_NAMES.values(), *AS_WORDS.values())
# A capital begins a word inside of a name: `aRefusal` is found, and "theirs" is not "heirs".
_PATTERN = re.compile(
    "|".join(
        [
            *(rf"((?:(?<![A-Za-z])|(?=[A-Z]))(?i:{each})(?![a-z]))" for each in IN_NAMES),
            *(rf"(\b(?i:{each})\b)" for each in AS_WORDS),
        ]
    )
)


def found(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, word and what to use instead, for each old word in a text."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in _PATTERN.finditer(line):
            yield number, match[0], _INSTEAD[(match.lastindex or 1) - 1]


def allowed(path: str, word: str) -> bool:
    return any(path == file and each in ("", word.lower()) for file, each, _ in ALLOWED)


def files(folder: Path) -> Iterator[Path]:
    """Sources and texts, not what was made from them or comes from elsewhere."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in SKIPPED:
            continue
        if (path / BUILT).is_file():
            continue
        if path.is_dir():
            yield from files(path)
        elif path.name == "Makefile" or path.suffix in SUFFIXES:
            yield path


def found_below(path: str, text: str) -> Iterator[tuple[int, str, str]]:
    """The same for the words of IN_FOLDERS, in a file of the path."""
    for folder, words in IN_FOLDERS.items():
        if not path.startswith(folder):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for word, instead in words.items():
                for match in re.finditer(rf"(?<![A-Za-z])(?i:{word})(?![A-Za-z])", line):
                    yield number, match[0], instead


def check(root: Path) -> list[str]:
    """One line for each old word below a folder."""
    problems = []
    for file in files(root):
        path, text = file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")
        problems += [
            f"{path}:{line}: {word!r}: use {instead}"
            for line, word, instead in (*found(text), *found_below(path, text))
            if not allowed(path, word)
        ]
    return problems


def main() -> int:
    problems = check(ROOT)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
