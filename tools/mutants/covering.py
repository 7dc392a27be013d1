"""The map of tests to functions that they call: a mutant is tried with tests that can see it."""

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

Calls = dict[str, tuple[float, list[str]]]  # test -> its seconds, "path:qualified name" it called


@contextmanager
def recorded(root: Path, folders: tuple[str, ...]) -> Iterator[set[str]]:
    """Fills the set with the project's functions that are called meanwhile, in any thread."""
    inside = tuple(f"{root / folder}/" for folder in folders)
    seen: set[CodeType] = set()

    def call(frame: Any, event: str, _argument: Any) -> None:
        if event == "call":
            seen.add(frame.f_code)

    found: set[str] = set()
    threading.setprofile(call)
    sys.setprofile(call)  # Hypothesis uses sys.settrace itself
    try:
        yield found
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        for code in seen.copy():  # a thread may still run
            if code.co_filename.startswith(inside):
                path = Path(code.co_filename).relative_to(root)
                found.add(f"{path}:{code.co_qualname.split('.<locals>')[0]}")


class Map:
    """What each test calls, kept in a file; a test file that has changed is recorded again."""

    def __init__(self, file: Path, root: Path) -> None:
        self._file, self._root = file, root
        self._calls: Calls = {}
        self._digests: dict[str, str] = {}
        if file.exists():
            kept = json.loads(file.read_text())
            self._calls, self._digests = kept["calls"], kept["digests"]

    def stale(self, path: str) -> bool:
        return self._digests.get(path) != self._digest(path)

    def put(self, path: str, calls: Calls, *, complete: bool) -> None:
        """A file that is not complete is recorded again by the next run."""
        self._calls = {t: c for t, c in self._calls.items() if t.split("::")[0] != path} | calls
        self._digests[path] = self._digest(path) if complete else ""
        self._file.write_text(json.dumps({"calls": self._calls, "digests": self._digests}))

    def tests_of(self, called: Callable[[str], bool]) -> list[str]:
        """The tests that call any such function, those that call the fewest functions first."""
        found = [
            (len(calls), seconds, test)
            for test, (seconds, calls) in self._calls.items()
            if any(map(called, calls))
        ]
        return [test for _, _, test in sorted(found)]

    @property
    def all(self) -> list[str]:
        return sorted(self._calls)

    def seconds(self, test: str) -> float:
        return self._calls[test][0]

    def _digest(self, path: str) -> str:
        return hashlib.sha256((self._root / path).read_bytes()).hexdigest()[:16]
