"""WebSockets held by tasks: what is there instead of API Gateway, who may do what, what is rejected."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.config.environments import DEV, PROD
from stacks.config.errors import ConfigError
from stacks.config.functions import SOCKET_FUNCTIONS
from stacks.config.overrides import environment_from
from stacks.config.permissions import (
    OF_API_GATEWAY,
    PERMISSIONS,
    of_socket_tasks,
    permissions_of,
)
from stacks.config.socket_tasks import SocketTasks
from stacks.config.warnings import environment_warnings
from tests.stacks.complete import complete
from tests.stacks.shared_environments import IN_TASKS as TASKS
from tests.stacks.synthesized import Resource, Synthesize, Synthesized
from tests.stacks.test_least_privilege import ARNS
from tests.support.examples import examples
from tests.support.rows import rows

KEY = "<SocketKeySecret>"
HERE = {**ARNS, "connections_key": [KEY], "any_target_group": ["*"]}


@pytest.fixture(scope="module")
def tasks(synthesize: Synthesize) -> Synthesized:
    return synthesize(TASKS)


def in_template(permissions: Any) -> dict[str, set[str]]:
    granted: dict[str, set[str]] = {}
    for resource, actions in permissions.items():
        for arn in HERE[resource]:
            granted.setdefault(arn, set()).update(actions)
    return granted


def test_nothing_of_api_gateway_is_left_and_its_functions_are_gone(tasks: Synthesized) -> None:
    assert not [each for each in tasks.resources if "ApiGateway" in each.type]
    there = {each.name.removesuffix("Function") for each in tasks.all("AWS::Lambda::Function")}
    assert not there & set(SOCKET_FUNCTIONS)
    assert {"Api", "DeliveryWatch", "Push", "Operator"} <= there


def test_a_task_may_do_what_the_functions_may_that_it_runs_and_see_that_it_is_drained(
    tasks: Synthesized,
) -> None:
    role = tasks.one("AWS::IAM::Role", "SocketsTaskTaskRole")
    granted = tasks.grants(role.logical_id)
    granted.pop("<Key.Arn>")
    assert granted == in_template(of_socket_tasks(SOCKET_FUNCTIONS))


def test_who_posts_signs_with_the_key_instead_and_a_task_may_what_all_its_functions_may() -> None:
    def pairs(permissions: Any) -> set[tuple[str, str]]:
        return {(resource, each) for resource, actions in permissions.items() for each in actions}

    key = ("connections_key", "secretsmanager:GetSecretValue")
    drained = ("any_target_group", "elasticloadbalancing:DescribeTargetHealth")
    for name, row in PERMISSIONS.items():
        posts = {each for each in pairs(row) if each[0] in OF_API_GATEWAY}
        in_tasks = pairs(row) - posts | ({key} if posts else set())
        assert pairs(permissions_of(name, in_containers=False)) == pairs(row)
        assert pairs(permissions_of(name, in_containers=True)) == in_tasks, name
    together = {each for name in SOCKET_FUNCTIONS for each in pairs(PERMISSIONS[name])}
    without = {each for each in together if each[0] not in OF_API_GATEWAY}
    assert pairs(of_socket_tasks(SOCKET_FUNCTIONS)) == without | {key, drained}


@pytest.mark.parametrize("name", ["Api", "DeliveryWatch", "Operator"])
def test_who_posts_has_the_key_and_no_permission_of_api_gateways(
    tasks: Synthesized, name: str
) -> None:
    role = tasks.one("AWS::IAM::Role", f"{name}Role")
    granted = tasks.grants(role.logical_id)
    granted.pop("<Key.Arn>")
    granted.pop(f"<{name}Logs.Arn>")
    assert granted == in_template(permissions_of(name, in_containers=True))
    assert granted[KEY] == {"secretsmanager:GetSecretValue"}
    variables = tasks.function(f"{name}Function").properties["Environment"]["Variables"]
    assert tasks.show(variables["CONNECTIONS_KEY"]) == KEY
    url = tasks.show(variables["CONNECTIONS_URL"])
    assert url == "http://<LoadBalancer.DNSName>/sockets"


def test_clients_get_the_load_balancers_address_and_its_rule_leads_to_the_tasks(
    tasks: Synthesized,
) -> None:
    variables = tasks.function("ApiFunction").properties["Environment"]["Variables"]
    assert tasks.show(variables["WEBSOCKET_URL"]) == "ws://<LoadBalancer.DNSName>/sockets"
    rules = tasks.all("AWS::ElasticLoadBalancingV2::ListenerRule")
    first = min(rules, key=lambda each: int(each.properties["Priority"]))
    (condition,) = first.properties["Conditions"]
    assert condition["PathPatternConfig"]["Values"] == ["/sockets", "/sockets/*"]
    (action,) = first.properties["Actions"]
    group = tasks.target_group("sockets")
    assert action["TargetGroupArn"] == {"Ref": group.logical_id}
    assert group.properties["HealthCheckPath"] == "/sockets/health"
    settings = PROD.websocket.tasks
    attributes = group.attributes
    assert attributes["load_balancing.algorithm.type"] == "least_outstanding_requests"
    delay = int(attributes["deregistration_delay.timeout_seconds"])
    assert delay == settings.deregistration_delay > settings.drain


def _service(tasks: Synthesized) -> Resource:
    return tasks.one("AWS::ECS::Service", "SocketsService")


def test_only_the_load_balancer_and_other_tasks_reach_a_task(tasks: Synthesized) -> None:
    (group,) = _service(tasks).properties["NetworkConfiguration"]["AwsvpcConfiguration"][
        "SecurityGroups"
    ]
    own = tasks.show(group)
    rules = [
        (tasks.show(each.properties["SourceSecurityGroupId"]), each.properties["FromPort"])
        for each in tasks.all("AWS::EC2::SecurityGroupIngress")
        if tasks.show(each.properties["GroupId"]) == own
    ]
    balancer = "<LoadBalancerSecurityGroup.GroupId>"
    assert sorted(rules) == sorted([(balancer, 8090), (own, 8090)])


def test_tasks_are_replaced_without_missing_any_and_have_their_limits(tasks: Synthesized) -> None:
    deployment = _service(tasks).properties["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
    definition = tasks.one("AWS::ECS::TaskDefinition", "SocketsTask")
    (container,) = definition.properties["ContainerDefinitions"]
    assert container["Command"] == ["python", "-m", "lambdas.sockets.server"]
    variables = {each["Name"]: each["Value"] for each in container["Environment"]}
    assert int(variables["FINISH_SECONDS"]) < container["StopTimeout"] <= 120
    assert container["Ulimits"] == [{"Name": "nofile", "SoftLimit": 65_535, "HardLimit": 65_535}]
    assert int(variables["MOST_CONNECTIONS"]) < 65_535
    assert variables["HEALTH_SECONDS"] == "5"


@pytest.mark.parametrize("idle", [20, 4_000])
def test_a_ping_comes_before_the_balancer_would_close_a_silent_socket(
    synthesize: Synthesize, idle: int
) -> None:
    balancer = replace(TASKS.load_balancer, idle_timeout=idle)
    made = synthesize(replace(TASKS, load_balancer=balancer))
    definition = made.one("AWS::ECS::TaskDefinition", "SocketsTask")
    (container,) = definition.properties["ContainerDefinitions"]
    variables = {each["Name"]: each["Value"] for each in container["Environment"]}
    assert int(variables["PING_SECONDS"]) <= min(30, idle / 2)


def test_tasks_scale_by_the_sockets_that_they_hold_and_by_cpu(tasks: Synthesized) -> None:
    policies = [
        each.properties["TargetTrackingScalingPolicyConfiguration"]
        for each in tasks.all("AWS::ApplicationAutoScaling::ScalingPolicy")
        if each.logical_id.startswith("Sockets")
    ]
    (held,) = (each for each in policies if "CustomizedMetricSpecification" in each)
    metric = held["CustomizedMetricSpecification"]
    assert (metric["MetricName"], metric["Statistic"]) == ("ConnectionsHeld", "Average")
    assert metric["Dimensions"] == [{"Name": "service", "Value": "sockets"}]
    assert held["TargetValue"] == PROD.websocket.tasks.scale_at == 7_000
    assert len(policies) == 2


def test_what_posts_is_deployed_after_what_holds_the_sockets(
    tasks: Synthesized, prod: Synthesized
) -> None:
    assert "Web" in tasks.needs["Chat"] and "Chat" not in tasks.needs["Web"]
    assert "Chat" in prod.needs["Web"]


@pytest.fixture(scope="module")
def alone(synthesize: Synthesize) -> Synthesized:
    """Dev with tasks that hold the sockets and no other containers, by its own name."""
    named = environment_from(
        {
            "websocket.plane": "containers",
            "load_balancer.plain_http": False,
            "load_balancer.domain_name": "chat.example.com",
            "zone.id": "Z0123456789ABCDEFGHIJ",
            "zone.domain": "example.com",
        }
    )
    return synthesize(replace(named, pools=DEV.pools[:1]))


def test_with_a_certificate_clients_connect_by_tls(alone: Synthesized) -> None:
    variables = alone.function("ApiFunction").properties["Environment"]["Variables"]
    assert variables["WEBSOCKET_URL"] == "wss://chat.example.com/sockets"
    assert variables["CONNECTIONS_URL"] == "https://chat.example.com/sockets"


def test_containers_without_a_pool_of_their_own_have_a_cluster(alone: Synthesized) -> None:
    assert len(alone.all("AWS::ECS::Service")) == len(alone.all("AWS::ECS::Cluster")) == 1


@pytest.mark.parametrize(
    "settings, field",
    [
        ({"max": 1}, "max"),
        ({"connections": 20_000}, "connections"),  # more than its memory has
        ({"cpu": 1024}, "memory"),
        ({"drain": 3_600}, "drain"),
        ({"stop_timeout": 121}, "stop_timeout"),
    ],
)
def test_tasks_that_fargate_or_their_sockets_would_not_run_with_are_rejected(
    settings: Any, field: str
) -> None:
    with pytest.raises(ConfigError) as error:
        SocketTasks(**settings)
    assert error.value.field == f"websocket.tasks.{field}"


@pytest.mark.parametrize(
    ("settings", "beyond"),
    [
        ({"min": 20}, {"min": 21}),  # of 20 tasks
        ({"connections": 13_199}, {"connections": 13_200}),  # 200 MiB and 64 KiB each, of 1,024
        ({"stop_timeout": 6}, {"stop_timeout": 5}),
        ({"cpu": 1024, "memory": 2048}, {"cpu": 1024, "memory": 1024}),
    ],
)
def test_tasks_are_accepted_up_to_the_last_value_that_works(settings: Any, beyond: Any) -> None:
    assert SocketTasks(**settings)
    with pytest.raises(ConfigError):
        SocketTasks(**beyond)


def test_what_follows_from_the_settings_of_tasks() -> None:
    assert [SocketTasks(max=most).health_interval for most in (2, 20, 21, 5_000)] == [
        5,
        5,
        6,
        1_250,
    ]
    assert SocketTasks().deregistration_delay == 600 + 2 * 5 + 5
    assert SocketTasks(stop_timeout=30).finish_timeout == 25
    assert SocketTasks(connections=15).scale_at == 10


@given(most=st.integers(2, 5_000))
@examples(100)
def test_tasks_ask_elastic_load_balancing_no_more_often_than_it_allows(most: int) -> None:
    tasks = SocketTasks(max=most)
    assert 2 * most / tasks.health_interval <= 8 < 10
    # a task that missed one look has its whole time to drain
    assert tasks.deregistration_delay >= tasks.drain + 2 * tasks.health_interval
    assert tasks.deregistration_delay <= 3_600
    longest = 3_600 - 2 * tasks.health_interval - 5
    assert SocketTasks(max=most, drain=longest).deregistration_delay == 3_600
    with pytest.raises(ConfigError, match=rf"websocket\.tasks\.max is {most}"):
        SocketTasks(max=most, drain=longest + 1)


IN_TASKS = {"websocket.plane": "containers"}


def warned(**context: Any) -> dict[str, str]:
    made = complete("dev", **{"websocket.rate_limit": 1_000, "websocket.burst_limit": 500})
    return dict(environment_warnings(environment_from({**made, **context})))


@rows(
    ("settings", "advice"),
    [
        ({}, None),
        ({"drain": 60}, "drain is 60: in a deployment 7000 clients .* 420% .* to 504,"),
        ({"drain": 504}, None),
        ({"connections": 9_999, "drain": 60}, "to 504,"),  # 503.9
        ({"drain": 503}, "to 504,"),
        ({"cpu": 1024, "memory": 2048, "drain": 252}, None),
        # a task uses one vCPU at most
        ({"cpu": 2048, "memory": 4096, "drain": 251}, "to 252,"),
        ({"connections": 1_000, "drain": 60}, None),
    ],
)
def test_too_short_a_time_to_drain_is_warned_of_with_one_that_is_enough(
    settings: dict[str, int], advice: str | None
) -> None:
    context = {f"websocket.tasks.{name}": value for name, value in settings.items()}
    found = warned(**IN_TASKS, **context).get("short-socket-drain")
    assert found is None if advice is None else found and re.search(advice, found)


@pytest.mark.parametrize("name", ["rate_limit", "burst_limit", "access_logs", "account_log_role"])
def test_settings_that_only_api_gateway_has_are_warned_of_where_it_is_not_there(name: str) -> None:
    value = False if name.startswith("acc") else 77
    changed = {f"websocket.{name}": value}
    assert warned(**IN_TASKS) == warned(**changed) == {}
    sentence = warned(**IN_TASKS, **changed)["unused-with-tasks"]
    assert f": websocket.{name} have no effect" in sentence


def test_sizes_of_functions_that_tasks_run_themselves_are_warned_of() -> None:
    changed = {"functions.send.memory": 2_048, "functions.api.memory": 2_048}
    sentence = warned(**IN_TASKS, **changed)["unused-with-tasks"]
    assert "functions.send" in sentence and "functions.api" not in sentence


def test_a_name_of_api_gateways_is_rejected_with_the_one_to_set_instead() -> None:
    with pytest.raises(ConfigError, match=r"Set load_balancer\.domain_name"):
        environment_from(
            {
                "websocket.plane": "containers",
                "websocket.domain_name": "ws.example.com",
                "zone.id": "Z0123456789ABCDEFGHIJ",
                "zone.domain": "example.com",
            }
        )
