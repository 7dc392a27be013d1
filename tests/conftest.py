import pytest


def pytest_configure(config: pytest.Config) -> None:
    # pytest resets the filter of lambdas/telemetry.py, which has the reason
    config.addinivalue_line("filterwarnings", "ignore:No application metrics to publish")
