from __future__ import annotations

import gc
import os
import sys
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests.support import sampling
from tests.support.examples import STEADY

# What the template tells each function; Powertools reads it when lambdas/telemetry.py is imported.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Switchboard/test")

# As `make` gives them to each command. With others a client that a test makes would find no region,
# look for credentials at the address of an EC2 instance, or use those of the account of who tests.
os.environ.update(
    AWS_ACCESS_KEY_ID="local",
    AWS_SECRET_ACCESS_KEY="local",
    AWS_SESSION_TOKEN="",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
)

# A machine that pauses fails nothing, and each run tries the same. New examples are looked for by
# `make test ARGS="--hypothesis-profile=default"`.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    max_examples=STEADY,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("steady"), max_examples=STEADY // 5)
settings.load_profile("steady")
# Hypothesis also draws the constants in the source of every local module that is loaded, so that a
# test would try other examples when other tests are collected beside it.
providers._get_local_constants = lambda: providers._local_constants

# httpcore asks for this package, which is not installed, at each lock, and Python looks through all
# of its path for it again. None ends the search.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

# Python's collector looks at all objects again and again; those of the imports stay until the end.
_COLLECT_EVERY = 50_000  # new objects; the default is 700


def pytest_configure(config: pytest.Config) -> None:
    # during the imports; xdist's controller imports no tests, and has no end of the collection
    if config.getoption("dist", "no") == "no":
        gc.disable()
    # it puts handlers on the root logger for each phase of each test; what the functions log is in
    # the captured output
    config.pluginmanager.set_blocked("logging-plugin")
    # pytest resets the filter of lambdas/telemetry.py, which has the reason
    config.addinivalue_line("filterwarnings", "ignore:No application metrics to publish")


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the cases of tests that are marked as `sampled`."""
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sampled"):
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        given = [case.callspec.params for case in cases if isinstance(case, pytest.Function)]
        for case, mark in zip(cases, sampling.marks(given), strict=True):
            if mark:
                case.add_marker(mark)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    gc.enable()


# In these folders a file takes few seconds, and its tests share tables and clients.
_BY_FILE = ("tests/lambdas/", "tests/client/", "tests/stacks/", "tests/protocol/", "tests/docs/")
# These begin first, so that none is left to one worker at the end. A scene of the running system
# often waits, and leaves the cores to the others meanwhile.
_LONGEST = ("story", "browser", "synthesis")


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """As `--dist loadgroup`, but the tests of one file go to one worker, so that what they share is
    made once. Elsewhere each test goes to whoever is free, as some take long."""
    from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadGroupScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            group: str = super()._split_scope(nodeid)
            alone = group == nodeid and nodeid.startswith(_BY_FILE)
            return nodeid.partition("::")[0] if alone else group

        def _assign_work_unit(self, node: Any) -> None:
            longest = next((unit for unit in _LONGEST if unit in self.workqueue), None)
            if longest:
                self.workqueue.move_to_end(longest, last=False)
            super()._assign_work_unit(node)

    return Scheduling(config, log) if config.getoption("dist") == "loadgroup" else None
