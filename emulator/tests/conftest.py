from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests import aws_forks, aws_servers

# No deadline, as a slow machine is no failure; the same examples each run. New examples are tried
# with `--hypothesis-profile=default`.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")
# Hypothesis also draws the constants in the source of every local module that is loaded, so that a
# test would try other examples when other tests are collected beside it.
providers._get_local_constants = lambda: providers._local_constants


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
