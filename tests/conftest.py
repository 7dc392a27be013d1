from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

# What the template tells each function; Powertools reads it when lambdas/telemetry.py is imported.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Switchboard/test")

# A machine that pauses fails nothing, and each run tries the same. New examples are looked for by
# `make test ARGS="--hypothesis-profile=default"`.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")
# Hypothesis also draws the constants in the source of every local module that is loaded, so that a
# test would try other examples when other tests are collected beside it.
providers._get_local_constants = lambda: providers._local_constants


def pytest_configure(config: pytest.Config) -> None:
    # pytest resets the filter of lambdas/telemetry.py, which has the reason
    config.addinivalue_line("filterwarnings", "ignore:No application metrics to publish")
