"""Health states, thresholds, fail-open."""

from dataclasses import dataclass
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rows import rows

from emulator.balancer.targets import health
from emulator.balancer.targets.health import Health, HealthCheck
from emulator.providers import EmulatorError

CHECK = HealthCheck(True, "/api/health", 30, 5, 3, 2, ((200, 299),))


def run(outcomes: Any, check: Any = CHECK) -> Any:
    """State after each outcome: P passed, F failed, T timed out, a number for a status."""
    current, states = health.registered(check), []
    for mark in outcomes:
        outcome = {
            "P": health.PASSED,
            "F": health.CONNECTION_FAILED,
            "T": health.TIMED_OUT,
        }.get(mark) or health.outcome_of(check, mark)
        current = health.after(check, current, outcome)
        states.append(current)
    return states


@rows(
    ("outcomes", "states"),
    [
        ("P", "h"),
        ("FP", "ih"),
        ("FF", "iu"),
        ("FFP", "iuu"),
        ("FFPPP", "iuuuh"),
        ("FFPPFPPP", "iuuuuuuh"),
        ("PF", "hh"),
        ("PFF", "hhu"),
        ("PFPFPF", "hhhhhh"),
        ("PTT", "hhu"),
        ("PFFPPP", "hhuuuh"),
    ],
)
def test_the_first_passed_check_is_enough_and_then_the_thresholds_count(
    outcomes: Any, states: str
) -> None:
    assert "".join(each.state[0] for each in run(outcomes)) == states


@pytest.mark.parametrize(
    ("outcomes", "reason", "description"),
    [
        ("F", "Elb.InitialHealthChecking", "Initial health checks in progress"),
        ("FF", "Target.FailedHealthChecks", "Health checks failed"),
        ("PTT", "Target.Timeout", "Request timed out"),
        (
            ["P", 503, 500],
            "Target.ResponseCodeMismatch",
            "Health checks failed with these codes: [500]",
        ),
        ("P", None, None),
        ([204], None, None),
    ],
)
def test_the_reason_codes_are_the_apis(outcomes: Any, reason: Any, description: Any) -> None:
    last = run(outcomes)[-1]
    assert (last.reason, last.description) == (reason, description)


def test_a_new_target_is_initial_and_without_checks_unavailable() -> None:
    assert health.registered(CHECK)[:2] == ("initial", "Elb.RegistrationInProgress")
    off = HealthCheck(False, "/", 35, 30, 5, 2, ((200, 200),))
    assert health.registered(off)[:2] == ("unavailable", "Target.HealthCheckDisabled")


def test_a_target_of_a_group_that_no_listener_uses_is_unused_and_stays_so() -> None:
    unused = health.registered(CHECK, in_use=False)
    assert unused == Health(
        "unused",
        "Target.NotInUse",
        "Target group is not configured to receive traffic from the load balancer",
    )
    assert health.after(CHECK, unused, health.PASSED) == unused


def test_a_check_that_fails_by_itself_counts_as_failed_with_a_reason_of_the_balancers() -> None:
    after = Health("healthy", streak=5)
    for _ in range(2):
        after = health.after(CHECK, after, health.INTERNAL_ERROR)
    assert after[:3] == (
        "unhealthy",
        "Elb.InternalError",
        "Health checks failed due to an internal error",
    )


def test_every_reason_and_state_is_one_that_the_api_has() -> None:
    shapes: Any = botocore.session.get_session().get_service_model("elbv2")
    states = shapes.shape_for("TargetHealthStateEnum").enum
    reasons = shapes.shape_for("TargetHealthReasonEnum").enum
    own = [value for name, value in vars(health).items() if name.isupper()]
    texts = {value for value in own if isinstance(value, str)}
    assert texts <= {*states, *reasons}
    assert {text for text in texts if "." in text} == {*reasons} - {
        "Target.NotRegistered",
        "Target.InvalidState",
        "Target.IpUnusable",
    }


def test_a_draining_target_stays_draining() -> None:
    assert health.after(CHECK, health.draining(), health.PASSED) == health.draining()
    assert health.draining().reason == "Target.DeregistrationInProgress"


@dataclass(frozen=True)
class Target:
    health: Health


def targets(states: str) -> Any:
    names = {"h": "healthy", "u": "unhealthy", "i": "initial", "d": "draining", "x": "unavailable"}
    return [Target(Health(names[state])) for state in states]


def routable(states: str, count: int = 1, percentage: Any = None) -> Any:
    present = targets(states)
    chosen = health.routable(present, count, percentage)
    return "".join(target.health.state[0] for target in chosen)


@rows(
    ("states", "count", "percentage", "chosen"),
    [
        ("hhh", 1, None, "hhh"),
        ("huh", 1, None, "hh"),
        ("hid", 1, None, "h"),
        ("uuu", 1, None, "uuu"),
        ("uui", 1, None, "uui"),
        ("uud", 1, None, "uu"),
        ("ddd", 1, None, ""),
        ("", 1, None, ""),
        ("huu", 2, None, "huu"),
        ("hhu", 2, None, "hh"),
        ("huuu", 2, 10, "huuu"),
        ("huuu", 1, 50, "huuu"),
        ("hhuu", 1, 50, "hh"),
        ("hhud", 1, 70, "hhu"),
        ("hhud", 1, 60, "hh"),
    ],
)
def test_too_few_healthy_targets_fail_open(
    states: str, count: int, percentage: Any, chosen: Any
) -> None:
    assert routable(states, count, percentage) == chosen


def test_an_unavailable_target_gets_requests() -> None:
    assert [t.health.state for t in health.routable(targets("xu"))] == ["unavailable"]


@given(st.text("hudi"), st.integers(1, 3))
def test_a_draining_target_never_gets_a_request(states: str, count: int) -> None:
    assert "d" not in routable(states, count)


@pytest.mark.parametrize(
    ("code", "ranges"),
    [
        ("200", ((200, 200),)),
        ("200-299", ((200, 299),)),
        ("200,204, 300-302", ((200, 200), (204, 204), (300, 302))),
    ],
)
def test_matchers_are_codes_and_ranges(code: int, ranges: Any) -> None:
    assert health.parse_matcher("group", {"HttpCode": code}, health.BY_ADDRESS) == ranges


def test_defaults_are_those_of_the_target_type() -> None:
    container = health.read_health_check("group", {}, health.BY_ADDRESS)
    assert container == HealthCheck(True, "/", 30, 5, 5, 2, ((200, 200),))
    function = health.read_health_check("group", {}, health.FUNCTION)
    assert function == HealthCheck(False, "/", 35, 30, 5, 5, ((200, 200),))
    assert health.read_health_check(
        "group", {"HealthCheckEnabled": "true"}, health.FUNCTION
    ).enabled


@pytest.mark.parametrize(
    "properties",
    [
        {"HealthCheckProtocol": "HTTPS"},
        {"HealthCheckPort": "9000"},
        {"Matcher": {"GrpcCode": "0"}},
        {"Matcher": {"HttpCode": "2xx"}},
    ],
)
def test_health_checks_that_are_unsupported_are_rejected(properties: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError, match="is not supported locally"):
        health.read_health_check("group Api", properties, health.BY_ADDRESS)


@rows(
    ("properties", "message"),
    [
        ({"HealthCheckEnabled": "false"}, "only a Lambda function's target group can be without"),
        # CreateTargetGroup, API reference
        ({"HealthCheckPath": "health"}, "does not begin with /"),
        ({"HealthCheckPath": "/" + "a" * 1024}, "over 1024 characters"),
        ({"HealthCheckIntervalSeconds": 4, "HealthCheckTimeoutSeconds": 2}, "4 is not within 5 to"),
        ({"HealthCheckIntervalSeconds": 301}, "301 is not within 5 to 300"),
        ({"HealthCheckTimeoutSeconds": 1}, "1 is not within 2 to 120"),
        ({"HealthCheckTimeoutSeconds": 121}, "121 is not within 2 to 120"),
        ({"HealthCheckIntervalSeconds": 5}, "5 is not greater than HealthCheckTimeoutSeconds 5"),
        ({"HealthyThresholdCount": 1}, "1 is not within 2 to 10"),
        ({"UnhealthyThresholdCount": "11"}, "11 is not within 2 to 10"),
        ({"Matcher": {"HttpCode": "199"}}, "'199' is not within 200 to 499"),
        ({"Matcher": {"HttpCode": "500"}}, "'500' is not within 200 to 499"),
        ({"Matcher": {"HttpCode": "200-600"}}, "'200-600' is not within"),
        ({"Matcher": {"HttpCode": "299-200"}}, "'299-200' is not within 200 to 499, low before"),
    ],
)
def test_health_checks_that_aws_rejects_are_rejected(properties: Any, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        health.read_health_check("group Api", properties, health.BY_ADDRESS)
