"""The runner of mutants: pytest collects all tests once, and each mutant is a forked child of it.

The child puts the mutant into its own memory and runs the tests that call its function, the most
specific first, until one fails. Nothing on disk is changed, so a run may be broken off at any time;
what is known by then stands in `.local/mutants`, and the next run goes on from there.
"""

import gc
import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tools.mutants.covering import Calls, Map, recorded
from tools.mutants.mutant import Mutant
from tools.mutants.patching import Loaded

KILLED, SURVIVED, NO_TEST, NOT_APPLIED = "killed", "survived", "no test", "not applied"
AGAIN = ("", "all", SURVIVED)  # what is tried though it is known: with other tests it may differ
# Exit statuses of a child. From FIRST_TEST on: killed by that one of its tests.
_CODES = {0: SURVIVED, 3: NOT_APPLIED}
FIRST_TEST, LAST_STATUS = 10, 250
WARMING_SECONDS = 0.02  # a test of some calls
CPU_SECONDS = 30  # a mutant may loop for ever,
WALL_SECONDS = 300.0  # or wait; on a busy machine a test may take as long


Child = tuple[Mutant, Sequence[str], float]  # and until when it may run


class Plugin:
    """A plugin of pytest that tries mutants in place of running the tests."""

    def __init__(
        self, root: Path, folders: tuple[str, ...], mutants: Sequence[Mutant], **options: Any
    ) -> None:
        self.root, self.folders, self.mutants = root, folders, mutants
        self.results = Results(root / ".local/mutants")
        self.budget: float = options["budget"]
        self.jobs: int = options["jobs"]
        self.again: str = options["again"]  # one of AGAIN
        self._failed = False
        self._texts: dict[str, str] = {}  # of test files
        self._kills: Counter[tuple[str, str]] = Counter()  # by file of the mutant, and test

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        self.map = Map(self.root / f".local/mutants/calls-{'-'.join(self.folders)}.json", self.root)
        self._record()
        self._warm_up()
        self.loaded = Loaded(self.root, self.folders)
        gc.freeze()  # the children's collections would copy the memory that they share
        running: dict[int, Child] = {}
        left = [each for each in self.mutants if self.results.wanted(each.key, self.again)]
        left.sort(key=lambda each: each.key)  # by chance: what a run has tried is a sample of all
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("broken off"))
        try:
            self._try_all(left, running)
        finally:
            for child in running:
                os.killpg(child, signal.SIGKILL)
        return True

    def _try_all(self, left: Sequence[Mutant], running: dict[int, Child]) -> None:
        for number, mutant in enumerate(left):
            tests = self._tests(mutant)
            if not tests:
                self.results.put(mutant, NO_TEST)
                continue
            while len(running) >= self.jobs:
                self._collect(running)
            running[self._fork(mutant, tests)] = (mutant, tests, time.time() + WALL_SECONDS)
            if number % 50 == 0:
                print(f"{number} of {len(left)}  {mutant.path}", flush=True)
        while running:
            self._collect(running)

    def _warm_up(self) -> None:
        """Runs one test of each folder here, so that no child has to import what it needs."""
        folders: dict[str, str] = {}
        for test in self.map.tests_of(lambda _: True):
            if self.map.seconds(test) > WARMING_SECONDS and test in self.items:
                folders.setdefault(test.split("::")[0].rpartition("/")[0], test)
        for test in folders.values():
            item = self.items[test]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    def _tests(self, mutant: Mutant) -> list[str]:
        """The tests that call the function; of a constant, those that call one that names it, and
        all of a file that names it."""
        if mutant.constant:
            called = self._users(mutant.constant)
            names = self.map.tests_of(lambda each: each in called)
            named = [test for test in self.map.all if self._names(test, mutant.constant)]
            names = [*named, *(test for test in names if test not in named)]
        else:
            names = self.map.tests_of(lambda each: each == f"{mutant.path}:{mutant.function}")
        chosen: list[str] = []
        seconds = 0.0

        def order(test: str) -> tuple[int, bool]:
            """First those that have killed other mutants of the file, or are named after it."""
            named = Path(mutant.path).stem in Path(test.split("::")[0]).stem
            return -self._kills[mutant.path, test], not named

        for name in sorted(names, key=order):
            seconds += self.map.seconds(name)
            if name in self.items and (seconds < self.budget or not chosen):
                chosen.append(name)
        return chosen

    def _names(self, test: str, constant: str) -> bool:
        path = test.split("::")[0]
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text()
        return constant in self._texts[path]

    def _users(self, constant: str) -> set[str]:
        """The functions whose code reads a constant of this name."""
        found = set()
        for path, functions in self.loaded.functions.items():
            for each in functions:
                if constant in each.__code__.co_names:
                    found.add(f"{path}:{each.__code__.co_qualname.split('.<locals>')[0]}")
        return found

    def _fork(self, mutant: Mutant, tests: Sequence[str]) -> int:
        child = os.fork()
        if child:
            return child
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        _silence()
        try:
            os._exit(self._try(mutant, tests))
        except BaseException:
            os._exit(1)

    def _try(self, mutant: Mutant, tests: Sequence[str]) -> int:
        if not self.loaded.apply(mutant):
            return 3
        items = [self.items[test] for test in tests]
        self._failed = False  # of the tests that warmed up: one may fail on a busy machine
        for number, (item, following) in enumerate(_in_pairs(items)):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return min(FIRST_TEST + number, LAST_STATUS)
        return 0

    def _collect(self, running: dict[int, Child]) -> None:
        """Waits for one of the children, and ends those that have had their time."""
        child, status = os.waitpid(-1, os.WNOHANG)
        if child in running:
            mutant, tests, _ = running.pop(child)
            code = os.waitstatus_to_exitcode(status)
            self.results.put(mutant, _CODES.get(code, KILLED))
            if FIRST_TEST <= code < LAST_STATUS:
                self._kills[mutant.path, tests[code - FIRST_TEST]] += 1
            return
        for number, (_, _, deadline) in list(running.items()):
            if time.time() > deadline:
                os.killpg(number, signal.SIGKILL)
        time.sleep(0.005)

    def _record(self) -> None:
        """Records each test file that is new or changed in a child of its own."""
        files = sorted({test.split("::")[0] for test in self.items})
        for path in filter(self.map.stale, files):
            print(f"recording {path}", flush=True)
            kept = self.root / f".local/mutants/recorded-{os.getpid()}.json"
            child = os.fork()
            if not child:
                os.setsid()
                _silence()
                try:
                    for calls in self._calls_of(path):
                        kept.write_text(json.dumps(calls))
                finally:
                    os._exit(0)
            ended = _wait(child, WALL_SECONDS)
            calls = json.loads(kept.read_text()) if kept.exists() else {}
            self.map.put(path, calls, complete=ended)
            kept.unlink(missing_ok=True)

    def _calls_of(self, path: str) -> Iterator[Calls]:
        """What is known after each of the file's tests."""
        calls: Calls = {}
        items = [item for name, item in self.items.items() if name.split("::")[0] == path]
        for item, following in _in_pairs(items):
            begun = time.process_time()
            self._failed = False
            with recorded(self.root, self.folders) as called:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if not self._failed:
                calls[item.nodeid] = (time.process_time() - begun, sorted(called))
                yield calls


class Results:
    """What became of each mutant, by its key: one line of a file each."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "results.jsonl"
        self.of: dict[str, str] = {}
        if self._file.exists():
            for line in self._file.read_text().splitlines():
                key, outcome = json.loads(line)
                self.of[key] = outcome

    def wanted(self, key: str, again: str) -> bool:
        """`again`: one of AGAIN."""
        if again == SURVIVED:
            return self.of.get(key) == SURVIVED
        return again == "all" or key not in self.of

    def put(self, mutant: Mutant, outcome: str) -> None:
        self.of[mutant.key] = outcome
        with self._file.open("a") as file:
            print(json.dumps([mutant.key, outcome]), file=file)
        if outcome in (SURVIVED, NO_TEST):
            print(line_of(mutant, outcome), flush=True)


def line_of(mutant: Mutant, outcome: str) -> str:
    where = f"{mutant.path}:{mutant.line} {mutant.function}"
    return f"{outcome:8} {where}\n    - {mutant.before[:150]}\n    + {mutant.after[:150]}"


def _wait(child: int, seconds: float) -> bool:
    """Whether the child has ended by itself; it is ended after so many seconds."""
    until = time.time() + seconds
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.time() > until:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        time.sleep(0.02)
    return True


def _in_pairs(items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    yield from zip(items, [*items[1:], None], strict=True)


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
