from __future__ import annotations

import gc
import os
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests import aws_forks, aws_servers

# No deadline, as a slow machine is no failure; the same examples each run. New examples are tried
# with `--hypothesis-profile=default`.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "quick", settings.get_profile("steady"), max_examples=20
)  # of `make test`
settings.load_profile("steady")
# Hypothesis also draws the constants in the source of every local module that is loaded, so that a
# test would try other examples when other tests are collected beside it.
providers._get_local_constants = lambda: providers._local_constants


# Each costs time for nothing here: httpx's own command line, and a package that is not installed and
# that httpcore looks for at each lock. None ends the search.
for name in ("httpx._main", "sniffio"):
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]

# Python's collector looks at all objects again and again; those of the imports stay until the end.
_COLLECT_EVERY = 50_000  # new objects; the default is 700


def pytest_configure(config: pytest.Config) -> None:
    # during the imports; xdist's controller imports no tests, and has no end of the collection
    if config.getoption("dist", "no") == "no":
        gc.disable()


# Files whose tests start whole systems: begun last, a single one would keep the other workers waiting.
_FIRST = ("test_cli", "test_hello", "test_other_emulators", "test_running")
# Files whose tests wait more than they compute. One worker has them all, also from the beginning: if
# several waited at the same time, a core would be idle.
_WAITING = (
    *("containers/test_processes.py", "functions/test_functions.py", "events/test_pollers.py"),
    *("network/test_sockets.py", "test_console_load.py"),
    *(
        f"balancer/test_{name}.py"
        for name in ("sockets", "errors", "failing_targets", "pieces", "unsupported", "upgrade")
    ),
)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    waiting = [item for item in items if item.path.relative_to(tests).as_posix() in _WAITING]
    for item in waiting:
        item.add_marker(pytest.mark.xdist_group("waiting"))
    items.sort(key=lambda item: item not in waiting and item.path.stem not in _FIRST)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def dummy_credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "local")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture(autouse=True, scope="session")
def no_authorities() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        made = aws_forks.without_authorities(ssl.create_default_context)
        patch.setattr(ssl, "create_default_context", made)
        yield


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The URL of an AWS server for tests that make tables and queues of their own names."""
    with aws_servers.running() as url:
        yield url
