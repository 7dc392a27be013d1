"""From a forward to a target: groups by weight, group stickiness, and what is rejected."""

from collections import Counter
from typing import Any

import pytest
from tests.balancer.groups import Client, Time, forward, group, healthy, router

from emulator.balancer.listener.actions import FixedResponse
from emulator.balancer.listener.rules import Rule
from emulator.balancer.routing import check_stickiness
from emulator.balancer.targets.health import UNHEALTHY, Health
from emulator.providers import EmulatorError

LB = {"stickiness.enabled": "true"}
APP = {
    **LB,
    "stickiness.type": "app_cookie",
    "stickiness.app_cookie.cookie_name": "session",
}


def scene(**given: Any) -> Any:
    """Two groups of two targets each, by weight 5 to 2 by default."""
    time = Time()
    large, small = group("large", given.get("attributes")), group("small", given.get("attributes"))
    healthy(large, "l1", "l2")
    healthy(small, "s1", "s2")
    rule = forward(large, small, weights=given.get("weights", [5, 2]), sticky=given.get("sticky"))
    return time, large, small, router(time, large, small), rule


def test_700_requests_at_5_to_2_go_250_250_100_100() -> None:
    _, _, _, shared, rule = scene()
    counts = Counter(Client(shared, rule).request() for _ in range(700))
    assert counts == {"l1": 250, "l2": 250, "s1": 100, "s2": 100}


def test_rules_take_turns_of_their_own() -> None:
    _, _, _, shared, rule = scene(weights=[1, 1])
    other = rule._replace(priority=20)
    assert [Client(shared, each).request() for each in (rule, other, rule, other)] == [
        "l1",
        "l2",
        "s1",
        "s2",
    ]


def test_a_weight_that_changes_on_the_way_counts_from_the_next_request_on() -> None:
    _, _, small, shared, rule = scene()
    Client(shared, rule).request()
    rule.action.weights[small.arn] = 0
    assert {Client(shared, rule).request() for _ in range(20)} == {"l1", "l2"}


def test_nothing_is_chosen_where_the_group_whose_turn_it_is_has_no_target() -> None:
    _, large, _, shared, rule = scene(weights=[1, 1])
    large.targets.clear()
    asked = [Client(shared, rule).request() for _ in range(4)]
    assert asked == [None, "s1", None, "s2"]  # a weighted forward doesn't fail over


def test_only_weights_of_0_choose_nobody() -> None:
    _, _, _, shared, rule = scene(weights=[0, 0])
    assert Client(shared, rule).request() is None


def test_a_choice_counts_the_request_as_in_flight() -> None:
    _, large, _, shared, rule = scene()
    choice = Client(shared, rule).choice()
    assert choice is not None
    assert choice.group is large
    assert (choice.target.in_flight, choice.target.requests, large.requests) == (1, 1, 1)


def test_group_stickiness_keeps_the_group_and_not_the_target() -> None:
    _, _, _, shared, rule = scene(sticky=60)
    client = Client(shared, rule)
    assert [client.request() for _ in range(6)] == ["l1", "l2"] * 3
    value = client.cookies["AWSALBTG"]
    expires = "Expires=Tue, 21 Nov 2023 22:13:20 GMT; Path=/"
    assert client.last == [
        f"AWSALBTG={value}; {expires}",
        f"AWSALBTGCORS={value}; {expires}; SameSite=None; Secure",
    ]


def test_with_both_kinds_of_stickiness_the_client_keeps_group_and_target() -> None:
    _, _, _, shared, rule = scene(sticky=60, attributes=LB)
    client = Client(shared, rule)
    assert [client.request() for _ in range(6)] == ["l1"] * 6
    assert [line.partition("=")[0] for line in client.last] == [
        "AWSALBTG",
        "AWSALBTGCORS",
        "AWSALB",
        "AWSALBCORS",
    ]


def test_requests_by_group_stickiness_do_not_disturb_the_weights() -> None:
    _, _, _, shared, rule = scene(sticky=60)
    sticky = Client(shared, rule)
    assert sticky.request() in ("l1", "l2")
    counts: Counter[str] = Counter({"l": 1})  # the sticky one's first was by weight
    for n in range(2, 701):
        for _ in range(n % 4):
            assert str(sticky.request()).startswith("l")
        counts[str(Client(shared, rule).request())[0]] += 1
        assert abs(counts["l"] - n * 5 / 7) < 1
    assert counts == {"l": 500, "s": 200}


@pytest.mark.parametrize("name", ["AWSALBTG", "AWSALBTGCORS"])
def test_either_twin_keeps_the_group(name: str) -> None:
    _, _, _, shared, rule = scene(sticky=60, weights=[1, 1])
    client = Client(shared, rule)
    client.request()
    Client(shared, rule).request()
    for _ in range(5):
        client.cookies = {name: client.cookies[name]}
        assert str(client.request()).startswith("l")


@pytest.mark.parametrize(("waits", "stays"), [(60, True), (61, False)])
def test_group_stickiness_runs_from_the_last_response(waits: float, stays: bool) -> None:
    time, _, _, shared, rule = scene(sticky=60, weights=[1, 1])
    client = Client(shared, rule)
    client.request()
    time.passes(50)
    client.request()
    time.passes(waits)
    assert str(client.request()).startswith("l") is stays


def test_a_group_whose_weight_is_0_now_keeps_its_clients_and_gets_no_new_ones() -> None:
    time, large, _, shared, rule = scene(sticky=60)
    client = Client(shared, rule)
    client.request()
    rule.action.weights[large.arn] = 0
    assert str(client.request()).startswith("l")
    assert {str(Client(shared, rule).request())[0] for _ in range(9)} == {"s"}
    time.passes(61)
    assert str(client.request()).startswith("s")


def test_a_client_bound_to_a_group_that_the_forward_no_longer_names_goes_by_weight() -> None:
    _, large, _, shared, rule = scene(sticky=60)
    client = Client(shared, rule)
    client.request()
    del rule.action.weights[large.arn]
    assert str(client.request()).startswith("s")


def test_a_bound_client_stays_with_its_group_when_all_its_targets_are_unhealthy() -> None:
    _, large, _, shared, rule = scene(sticky=60)
    client = Client(shared, rule)
    client.request()
    for target in large.targets.values():
        large.note_health(target, Health(UNHEALTHY), 0)
    assert str(client.request()).startswith("l")
    large.targets.clear()
    assert client.request() is None


@pytest.mark.parametrize(
    ("attributes", "sticky", "message"),
    [
        (LB, None, "small is sticky, so the forward must be too"),
        (APP, 60, "small has stickiness of type app_cookie, which does not work with weighted"),
    ],
)
def test_sticky_targets_behind_a_weighted_forward_are_rejected_as_aws_does(
    attributes: Any, sticky: Any, message: str
) -> None:
    large, small = group("large"), group("small", attributes)
    groups = {each.arn: each for each in (large, small)}
    with pytest.raises(EmulatorError, match=message):
        check_stickiness([forward(large, small, sticky=sticky)], groups)


def test_sticky_targets_behind_a_sticky_or_a_single_forward_are_not_rejected() -> None:
    large, small, app = group("large", LB), group("small", LB), group("app", APP)
    groups = {each.arn: each for each in (large, small, app)}
    allowed = [
        forward(large, small, sticky=60),
        forward(large),
        forward(app),
        Rule(20, (), FixedResponse(200, "text/plain", "")),
    ]
    check_stickiness(allowed, groups)
