"""Hints that programs print: what they tell people to type works.

A hint is a text in the code that names a command. Those of the project are make targets, which need
no environment that is activated; the emulator knows no project, and takes its hints from the table
`[tool.emulator.commands]`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRINTING = ("app.py", "client", "tools", "stacks", "lambdas", "emulator/src")
# a target, and the variables that are given to it
TARGET = re.compile(
    r"""\bmake ([a-z][a-z-]*[a-z])((?: [a-zA-Z_]+=(?:"[^"]*"|'[^']*'|[\w<>.]+))*)"""
)
# commands that only work where the environment is activated
OTHERS = re.compile(r"python3? -m (?:emulator|client|tools|stacks)\b|`emulate ")
# what argparse calls a program in its own usage
PROGRAM = re.compile(r"python -m [\w. ]+")
# ordinary words after `make`, in sentences that are no hints
WORDS = {
    "a",
    "builds",
    "it",
    "no",
    "one",
    "room",
    "sense",
    "several",
    "sure",
    "the",
    "them",
    "this",
}


def sources() -> Iterator[Path]:
    for top in PRINTING:
        path = ROOT / top
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


@cache
def texts(path: Path) -> list[str]:
    """Every text of a module that is no docstring; the values of an f-string are x."""
    found, constants, inside = [], [], set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = [each if isinstance(each, ast.Constant) else None for each in node.values]
            inside |= {each for each in parts if each}
            found.append("".join(str(each.value) if each else "x" for each in parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            constants.append(node)
    return found + [str(each.value) for each in constants if each not in inside]


def naming(*words: str) -> Iterator[tuple[Path, str]]:
    """The texts of the modules in which one of the words stands; few are parsed."""
    for path in sources():
        if any(word in path.read_text(encoding="utf-8") for word in words):
            yield from ((path, text) for text in texts(path))


def hints() -> list[str]:
    """Each `make <target> <variables>` that the code prints, or gets from its settings."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    commands: dict[str, str] = settings["tool"]["emulator"]["commands"]
    arguments = commands.pop("arguments")
    found = {*commands.values(), *(f"{each} {arguments.format('x')}" for each in commands.values())}
    for _, text in naming("make"):
        found |= {
            f"make {target}{given}" for target, given in TARGET.findall(text) if target not in WORDS
        }
    return sorted(found)


@pytest.mark.slow  # make, once for each hint
def test_a_hint_is_a_command_that_make_knows() -> None:
    """Every recipe is expanded and none runs (-n); the variables have no effect on the target.
    NODE is given, as make would start Python several times to find it."""
    failed = {}
    for hint in hints():
        typed = hint.replace("<", "").replace(">", "").replace("=...", "=x")
        done = subprocess.run(
            ["bash", "-c", f"{typed} -n NODE=node --no-print-directory"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            failed[hint] = done.stderr
    assert failed == {}


def test_no_hint_needs_an_activated_environment() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text.strip()}"
        for path, text in naming("python", "emulate")
        if OTHERS.search(text) and not PROGRAM.fullmatch(text)
    ]
    assert found == []


def test_there_are_hints_to_look_at() -> None:
    assert {"make dev", "make stop"} < set(hints())
