"""The canary's function: what it measures."""

from typing import Any

import pytest

from emulator.metrics import emf
from emulator.metrics.store import Metric
from tools import canary
from tools.doctor import Place


@pytest.mark.parametrize("passed", [True, False])
def test_a_run_is_measured_whether_it_went_well_or_not_and_does_not_fail(
    passed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looked: list[Place] = []

    async def check(place: Place) -> bool:
        looked.append(place)
        return passed

    monkeypatch.setattr(canary, "check", check)
    monkeypatch.setenv("API_URL", "https://chat.example.com/")
    monkeypatch.setenv("METRICS_NAMESPACE", "Switchboard/dev")
    canary.handler({}, None)
    assert [each.api for each in looked] == ["https://chat.example.com"]
    found: dict[Metric, Any] = {
        metric: value for _, metric, value in emf.values(capsys.readouterr().out.encode())
    }
    assert found[Metric("Switchboard/dev", "CanaryPassed")] == float(passed)
    assert found[Metric("Switchboard/dev", "CanarySeconds")] >= 0
