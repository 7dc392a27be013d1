"""`make mutants`: puts mistakes into the code, one at a time; reports those that no test notices.

    python -m tools.mutants [--of lambdas/messages ...] [--again [survived]]
                            [--budget 5] [--jobs 2] [--sample 20 [--seed 1]]

docs/testing.md describes how to read the survivors.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest

from tools.mutants.mutant import Mutant, mutants_of
from tools.mutants.report import table
from tools.mutants.running import AGAIN, Plugin

ROOT = Path(__file__).parent.parent.parent
TESTS = {"lambdas": ["tests/lambdas"], "client": ["tests/client"]}
OPTIONS = [
    *("-q", "--no-header", "--capture=no"),
    # As `make test-quick`, of `sampled` tables each fifth case: a mutant has seconds. One that only
    # another case would notice is reported as a survivor.
    *("-m", "not slow and not deep"),
    *("-p", "no:xdist", "-p", "no:cacheprovider"),
]
DEFAULT = ["lambdas", "client/core", "client/crypto"]


def main() -> None:
    arguments = _arguments()
    mutants = [
        each
        for path in _files(arguments.of)
        for each in sample(mutants_of(ROOT, path), arguments.sample, arguments.seed)
    ]
    folders = tuple(sorted({each.path.split("/")[0] for each in mutants}))
    plugin = Plugin(
        ROOT,
        folders,
        mutants,
        budget=arguments.budget,
        jobs=arguments.jobs,
        again=arguments.again,
    )
    if not arguments.report:
        _share_models()
        tests = [test for folder in folders for test in TESTS[folder]]
        pytest.main([*OPTIONS, *tests], plugins=[plugin])
    print(table(mutants, plugin.results.of))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--of", nargs="*", help="files or folders", default=DEFAULT)
    parser.add_argument(
        "--again",
        nargs="?",
        choices=AGAIN,
        const="all",
        default="",
        help="tries all, known or not; or those alone that have survived",
    )
    parser.add_argument("--budget", type=float, default=5, help="seconds of tests for a mutant")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, help="as many mutants of each file, by chance")
    parser.add_argument("--seed", default="", help="of the sample; the same draws the same")
    parser.add_argument("--report", action="store_true", help="prints what is known, tries nothing")
    arguments = parser.parse_args()
    if wrong := unknown(arguments.of):
        parser.error(wrong)
    return arguments


def unknown(paths: list[str]) -> str:
    """Why there are no mutants of these; empty where there are. Without any, pytest would run every
    test there is."""
    for path in paths:
        if path.split("/")[0] not in TESTS:
            return f"{path}: the tests of {' and '.join(TESTS)} are known here"
        if not _files([path]):
            return f"{path}: there is no such file, and no folder with files of Python"
    return "" if paths else "no file or folder is named"


def sample(mutants: list[Mutant], size: int | None, seed: str) -> list[Mutant]:
    """So many of them; the same ones for the same seed, as long as their code stays the same."""

    def place(mutant: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).digest()

    return sorted(mutants, key=place)[:size]


def _files(paths: list[str]) -> list[str]:
    found = []
    for path in paths:
        one = ROOT / path
        inside = [one] if one.is_file() and one.suffix == ".py" else sorted(one.rglob("*.py"))
        found += [str(each.relative_to(ROOT)) for each in inside if "generated" not in each.name]
    return found


def _share_models() -> None:
    """Botocore reads its models from disk for each session; children have those of their parent."""
    read: dict[str, Any] = {}
    load = botocore.loaders.JSONFileLoader.load_file

    def once(self: botocore.loaders.JSONFileLoader, path: str) -> Any:
        if path not in read:
            read[path] = load(self, path)
        return read[path]

    botocore.loaders.JSONFileLoader.load_file = once  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main()
