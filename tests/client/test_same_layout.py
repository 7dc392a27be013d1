"""The Python and the TypeScript client have the same files: `client/` and `web/src/client/`.

Whoever knows one of them finds everything in the other under the same path: `core/chat_log.py` is
`core/chat-log.ts`. The exceptions stand here with their reasons.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

ONLY_PYTHON = {
    "__main__": "starts the command-line client",
    "core/ledger": "the interface of the store; TypeScript's Step names store/ledger itself",
    "crypto/groups": "Megolm sessions as SQL rows; in TypeScript in crypto/sealing and opening",
    "store/membership": "one of the three parts of the ledger; TypeScript's is one file",
    "store/outgoing": "one of the three parts of the ledger",
    "store/waiting": "one of the three parts of the ledger",
}
ONLY_TYPESCRIPT = {
    "core/random": "Python has random.Random",
    "crypto/olm": "the ratchets behind one interface; Python has vodozemac, typed",
    "store/database": "IndexedDB with promises; Python has sqlite3",
    "store/ledger": "see core/ledger",
}


def test_both_clients_have_the_same_folders_and_files() -> None:
    python = _names(ROOT / "client", "*.py") - {"__init__", "crypto/__init__", "core/__init__"}
    python -= {"store/__init__"} | {name for name in python if name.startswith("cli/")}
    typescript = _names(ROOT / "web/src/client", "*.ts") - {"index"}
    assert python - typescript == set(ONLY_PYTHON)
    assert typescript - python == set(ONLY_TYPESCRIPT)


def test_no_constructor_takes_more_than_six_arguments() -> None:
    """A group of keywords counts as one: TypeScript has an object of options for them."""
    many = {
        name
        for path in (ROOT / "client").rglob("*.py")
        for name, count in _constructors(ast.parse(path.read_text()))
        if count > 6
    }
    assert not many


def _constructors(module: ast.Module) -> Iterator[tuple[str, int]]:
    for found in (each for each in ast.walk(module) if isinstance(each, ast.ClassDef)):
        for each in found.body:
            if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                of = each.args
                count = len(of.args) - 1 + len(of.kwonlyargs) + (of.kwarg is not None)
                yield found.name, count


def _names(root: Path, pattern: str) -> set[str]:
    paths = (path.relative_to(root).with_suffix("") for path in root.rglob(pattern))
    return {path.as_posix().replace("-", "_").replace(".", "_") for path in paths}
