"""When policies make a service have more or fewer tasks, and the CPU time that one of them reads."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rows import rows

from emulator.containers import cpu, scaling
from emulator.containers.scalable import Scalable
from emulator.containers.scaling import Before, Bounds, Tracking, next_desired, utilization
from emulator.providers import EmulatorError, Resource

REQUESTS = Tracking(scaling.REQUESTS, target=100, out_cooldown=60, in_cooldown=300)
CPU = Tracking(scaling.CPU, target=50, out_cooldown=60, in_cooldown=300)
BOUNDS = Bounds(1, 4)
LONG_AGO = 10_000
NEVER = Before(LONG_AGO, LONG_AGO, 1)


@rows(
    ("desired", "minutes", "since_out", "since_in", "wanted"),
    [
        (2, [], LONG_AGO, LONG_AGO, 2),
        (2, [500, 500], LONG_AGO, LONG_AGO, 2),
        (2, [150, 150, 150], LONG_AGO, LONG_AGO, 3),
        (2, [900, 900, 900], LONG_AGO, LONG_AGO, 4),
        (2, [150, 90, 150], LONG_AGO, LONG_AGO, 2),
        (4, [10] * 14, LONG_AGO, LONG_AGO, 4),
        (4, [10] * 15, LONG_AGO, LONG_AGO, 1),
        (4, [10] * 14 + [60], LONG_AGO, LONG_AGO, 3),
        (4, [95] * 15, LONG_AGO, LONG_AGO, 4),
        (4, [10] * 15, LONG_AGO, 299, 4),
        (4, [10] * 15, 299, LONG_AGO, 4),
        (0, [10] * 15, LONG_AGO, LONG_AGO, 0),
        # a minute without a data point: neither out nor in
        (2, [500, 500, None], LONG_AGO, LONG_AGO, 2),
        (2, [500, None, 500, 500], LONG_AGO, LONG_AGO, 2),
        (4, [10] * 7 + [None] + [10] * 7, LONG_AGO, LONG_AGO, 4),
    ],
)
def test_one_policy(desired: int, minutes: Any, since_out: Any, since_in: Any, wanted: int) -> None:
    policies = [(REQUESTS, minutes)]
    before = Before(since_out, since_in, desired)
    assert next_desired(policies, BOUNDS, desired, before) == wanted


@rows(
    ("before", "desired", "minutes", "wanted"),
    [
        (2, 4, [200, 200, 200], 4),  # as much as was added for
        (2, 4, [150, 150, 150], 4),
        (2, 4, [200, 200, 201], 5),  # "a larger scale out is triggered"
        (2, 4, [200, 200, 400], 8),
        (3, 4, [200, 200, 400], 12),
        (2, 4, [200, 200, 900], 16),  # within bounds
        (2, 6, [200, 200, 290], 6),  # somebody added two more
        (2, 4, [400, 90, 400], 4),
    ],
)
def test_in_the_cooldown_only_a_larger_scale_out_counts(
    before: int, desired: int, minutes: Any, wanted: int
) -> None:
    policies = [(REQUESTS, minutes)]
    for since_out in (0, 59):
        past = Before(since_out, LONG_AGO, before)
        assert next_desired(policies, Bounds(1, 16), desired, past) == wanted


BUSY, CALM, WELL, SILENT = [90] * 15, [5] * 15, [48] * 15, [None] * 15


@rows(
    ("desired", "requests", "cpu_percent", "wanted"),
    [
        (2, [150] * 15, BUSY, 4),  # the one that wants most
        (2, [150] * 15, CALM, 3),  # one is enough to scale out
        (2, SILENT, BUSY, 4),
        (2, [10] * 15, BUSY, 4),
        (4, [10] * 15, CALM, 1),  # all agree
        (4, [60] * 15, CALM, 3),  # the most careful decides how far
        (4, [10] * 15, WELL, 4),
        (4, SILENT, CALM, 4),  # without requests there is nothing to agree on
        (4, [10] * 15, SILENT, 4),
    ],
)
def test_several_policies(desired: int, requests: Any, cpu_percent: Any, wanted: int) -> None:
    policies = [(REQUESTS, requests), (CPU, cpu_percent)]
    assert next_desired(policies, BOUNDS, desired, NEVER) == wanted
    assert next_desired(policies[::-1], BOUNDS, desired, NEVER) == wanted


def test_a_policy_that_may_not_scale_in_does_not_count() -> None:
    only_out = Tracking(scaling.CPU, 50, 60, 300, scale_in=False)
    policies = [(REQUESTS, [10] * 15), (only_out, WELL)]
    assert next_desired(policies, BOUNDS, 4, NEVER) == 1
    assert next_desired(policies[1:], BOUNDS, 4, NEVER) == 4
    assert next_desired([(only_out, CALM)], BOUNDS, 4, NEVER) == 4
    assert next_desired([(only_out, BUSY)], BOUNDS, 2, NEVER) == 4


metrics = st.lists(st.none() | st.floats(0, 1000), max_size=16)


@given(st.integers(1, 4), metrics, metrics)
def test_more_policies_never_give_fewer_tasks(desired: int, requests: Any, percent: Any) -> None:
    def given_(*policies: Any) -> int:
        return next_desired(policies, BOUNDS, desired, NEVER)

    alone = given_((REQUESTS, requests)), given_((CPU, percent))
    assert given_((REQUESTS, requests), (CPU, percent)) == max(alone)


def policy(metric: Any, label: str | None = None, **more: Any) -> Any:
    specification = {"PredefinedMetricType": metric}
    if label is not None:
        specification["ResourceLabel"] = label
    return {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": specification,
            "TargetValue": 1000,
            **more,
        },
        "ScalingTargetId": "service/cluster/api|ecs:service:DesiredCount|ecs",
    }


def test_scaling_policies_are_read() -> None:
    read = scaling.read_policy("", policy(scaling.REQUESTS, ScaleOutCooldown=60))
    assert read == Tracking(scaling.REQUESTS, 1000, 60, 300)
    read = scaling.read_policy("", policy(scaling.CPU, DisableScaleIn=True))
    assert read == Tracking(scaling.CPU, 1000, 300, 300, scale_in=False)
    label = "app/web/123/targetgroup/small/456"
    read = scaling.read_policy("", policy(scaling.REQUESTS, label))
    assert read is not None
    assert read.target_group == "targetgroup/small/456"
    assert scaling.read_policy("", policy("ECSServiceAverageMemoryUtilization")) is None
    with pytest.raises(EmulatorError, match="StepScaling"):
        scaling.read_policy("policy", {"PolicyType": "StepScaling"})
    with pytest.raises(EmulatorError, match="SQSDepth"):
        scaling.read_policy("policy", policy("SQSDepth"))


def test_policies_are_collected_and_what_is_not_acted_on_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scalable = Scalable("us-east-1:123456789012")
    made = Resource("Web", "Policy", "AWS::ApplicationAutoScaling::ScalingPolicy")
    for metric in (scaling.REQUESTS, scaling.CPU, "ECSServiceAverageMemoryUtilization"):
        scalable.create(made, "policy", policy(metric))
    assert [each.metric for each in scalable.policies["api"]] == [scaling.REQUESTS, scaling.CPU]
    assert caplog.text.count("accepted and not acted on") == 1


def test_utilization_is_the_tasks_average_share() -> None:
    assert utilization([], 0.25) is None
    assert utilization([(1.5, 6)], 0.25) == 100
    assert utilization([(1.5, 6), (0, 6), (0.75, 3)], 0.25) == pytest.approx(200 / 3)
    assert utilization([(6, 6)], 0.5) == 200
    assert utilization([(0, 0)], 0.5) is None


@pytest.mark.parametrize(
    ("printed", "seconds"),
    [
        ("   0:00.15\n", 0.15),  # macOS
        ("  12:34.56\n", 754.56),
        ("00:01:02\n", 62),  # Linux
        ("1-02:03:04\n", 93784),
        ("", None),
        ("TIME\n", None),
    ],
)
def test_the_cpu_time_that_ps_gives(printed: str, seconds: float | None) -> None:
    assert cpu.from_ps(printed) == seconds


def test_the_cpu_time_of_a_process() -> None:
    async def scenario() -> None:
        before = await cpu.seconds_taken(os.getpid())
        assert before is not None
        start = time.process_time()
        while time.process_time() < start + 0.3:
            pass
        after = await cpu.seconds_taken(os.getpid())
        assert after is not None
        assert after - before > 0.2
        by_ps = await cpu.read_from_ps(os.getpid())
        assert by_ps is not None
        assert abs(by_ps - after) < 2  # whole seconds, on Linux
        ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
        await ended.wait()
        assert await cpu.seconds_taken(ended.pid) is None

    asyncio.run(scenario())


def test_a_name_with_spaces_and_parentheses_is_no_hindrance() -> None:
    fields = "S 1 2 3 4 5 6 7 8 9 10 250 50 0 0"
    assert cpu.from_stat(f"77 (a) b (c d) {fields}", 100) == 3.0
