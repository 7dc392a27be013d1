"""Templates of the environments, synthesized without a process of their own, once a session."""

from __future__ import annotations

import hashlib
import os
import pickle
from functools import cache

import pytest

from stacks.build.node import use_packaged_node
from stacks.config.environments import DEV, PROD, STAGING, Environment
from tests.stacks.synthesized import Synthesize, Synthesized

use_packaged_node()  # before any test module imports a stack, and with it aws_cdk


# Synthesized once for all tests; each other environment takes half a second here and in Node.js.
_SHARED = {"dev", "staging", "prod"}


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks, and pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test with an environment of its own is slow.

    One worker of pytest-xdist synthesizes, so that no two make the same templates at the same
    time, and only one has the slow first ones of a Node.js process that has just started. A large
    group is handed out first. The group `checks` stays as it is.

    For the same reason test modules import the CDK in their functions: each worker collects all."""
    for item in items:
        if "synthesize" not in getattr(item, "fixturenames", ()):
            continue
        if _makes_its_own(item):
            item.add_marker(pytest.mark.slow)
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("synthesis"))


def _makes_its_own(item: pytest.Item) -> bool:
    """Whether the test, or a fixture of it other than the shared ones, calls `synthesize`."""
    needed = item._fixtureinfo  # type: ignore[attr-defined]
    return "synthesize" in needed.argnames or any(
        "synthesize" in fixture.argnames
        for name, fixtures in needed.name2fixturedefs.items()
        if name not in _SHARED
        for fixture in fixtures
    )


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Each configuration once: what one worker of pytest-xdist has synthesized, all others read."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "synthesized"
    shared.mkdir(exist_ok=True)

    @cache
    def of(config: Environment) -> Synthesized:
        kept = shared / hashlib.sha256(repr(config).encode()).hexdigest()
        if kept.exists():
            found: Synthesized = pickle.loads(kept.read_bytes())
            return found
        # here, as it starts Node.js, which who reads what another worker has made does not need
        from tests.stacks.synthesis import synthesized

        out = tmp_path_factory.mktemp("cdk")
        made = synthesized(config, out)
        (out / "pickled").write_bytes(pickle.dumps(made))
        (out / "pickled").rename(kept)  # never half of it
        return made

    return of


@pytest.fixture(scope="session")
def dev(synthesize: Synthesize) -> Synthesized:
    return synthesize(DEV)


@pytest.fixture(scope="session")
def staging(synthesize: Synthesize) -> Synthesized:
    return synthesize(STAGING)


@pytest.fixture(scope="session")
def prod(synthesize: Synthesize) -> Synthesized:
    return synthesize(PROD)
