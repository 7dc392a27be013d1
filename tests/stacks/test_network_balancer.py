"""The Network Load Balancer: deployed only where addresses are hashed."""

import json
from dataclasses import replace

import pytest

from stacks.config.environments import ENVIRONMENTS
from stacks.config.overrides import environment_from
from tests.stacks.shared_environments import EVERYTHING
from tests.stacks.synthesized import Resource, Synthesize, Synthesized

pytestmark = pytest.mark.slow  # each environment takes half a second to synthesize

ELB = "AWS::ElasticLoadBalancingV2"

CHECKED = {
    "load_balancer.ip_hash": True,
    "load_balancer.health_check.interval": 20,
    "load_balancer.idle_timeout": 321,
    "load_balancer.minimum_healthy_targets.percentage": 50,
}


@pytest.fixture(scope="module")
def hashed(synthesize: Synthesize) -> Synthesized:
    return synthesize(environment_from(CHECKED))


@pytest.fixture(scope="module")
def prod_hashed(synthesize: Synthesize) -> Synthesized:
    return synthesize(EVERYTHING)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_environment_has_one_unless_it_is_asked_for(synthesize: Synthesize, name: str) -> None:
    plain = synthesize(ENVIRONMENTS[name])
    assert "Type" not in plain.one(f"{ELB}::LoadBalancer").properties or (
        plain.one(f"{ELB}::LoadBalancer").properties["Type"] == "application"
    )
    for service in plain.all("AWS::ECS::Service"):
        assert len(service.properties["LoadBalancers"]) == 1


def test_it_faces_the_internet_beside_the_other_and_spreads_over_all_zones(
    hashed: Synthesized, prod_hashed: Synthesized
) -> None:
    for environment in (hashed, prod_hashed):
        balancer = network(environment)
        assert balancer.properties["Scheme"] == "internet-facing"
        assert all("public" in environment.show(each) for each in balancer.properties["Subnets"])
        assert balancer.attributes == {
            "deletion_protection.enabled": "false",
            "load_balancing.cross_zone.enabled": "true",
        }


def test_its_one_listener_passes_tcp_on(hashed: Synthesized) -> None:
    listener = listener_of(hashed)
    (action,) = listener.properties["DefaultActions"]
    group = hashed.target_group("small", "TCP")
    assert (listener.properties["Port"], listener.properties["Protocol"]) == (80, "TCP")
    assert action == {"Type": "forward", "TargetGroupArn": {"Ref": group.logical_id}}
    assert "Certificates" not in listener.properties
    assert listener.attributes == {"tcp.idle_timeout.seconds": "351"}


def test_an_address_sticks_to_its_task_and_the_task_sees_it(hashed: Synthesized) -> None:
    group = hashed.target_group("small", "TCP")
    health = {key: value for key, value in group.attributes.items() if "minimum_healthy" in key}
    assert {key: group.attributes[key] for key in group.attributes.keys() - health} == {
        "deregistration_delay.timeout_seconds": "30",
        "preserve_client_ip.enabled": "true",
        "stickiness.enabled": "true",
        "stickiness.type": "source_ip",
    }
    assert "Name" not in group.properties  # CloudFormation makes one that is not too long


def test_its_targets_are_checked_as_the_other_balancer_s(synthesize: Synthesize) -> None:
    environment = synthesize(environment_from(CHECKED))
    both = [environment.target_group("small", protocol) for protocol in ("HTTP", "TCP")]
    for name in ("Port", "TargetType", "VpcId", "HealthyThresholdCount", "UnhealthyThresholdCount"):
        assert len({environment.show(each.properties[name]) for each in both}) == 1
    for name in ("HealthCheckPath", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds"):
        assert len({each.properties[name] for each in both}) == 1
    # by HTTP as well, and with 200 only, as an Application Load Balancer without a matcher
    network_group = both[1].properties
    assert network_group["HealthCheckProtocol"] == "HTTP"
    assert network_group["Matcher"] == {"HttpCode": "200"}
    thresholds = [
        {key: value for key, value in each.attributes.items() if "minimum_healthy" in key}
        for each in both
    ]
    assert thresholds[0] == thresholds[1] != {}


def test_the_service_is_behind_both_so_a_task_that_leaves_leaves_both(hashed: Synthesized) -> None:
    service = hashed.one("AWS::ECS::Service")
    entries = service.properties["LoadBalancers"]
    assert [entry["TargetGroupArn"]["Ref"] for entry in entries] == [
        hashed.target_group("small", protocol).logical_id for protocol in ("HTTP", "TCP")
    ]
    assert {(entry["ContainerName"], entry["ContainerPort"]) for entry in entries} == {
        ("api", 8080)
    }
    # ECS registers tasks only with groups that a listener has
    assert listener_of(hashed).logical_id in service.body["DependsOn"]


def test_everyone_reaches_it_and_only_the_balancers_reach_the_tasks(hashed: Synthesized) -> None:
    (group,) = network(hashed).properties["SecurityGroups"]
    assert hashed.show(group) == "<NetworkBalancerSecurityGroup.GroupId>"
    own = hashed.one("AWS::EC2::SecurityGroup", "NetworkBalancer").properties
    (admitted,) = own["SecurityGroupIngress"]
    assert (admitted["CidrIp"], admitted["FromPort"], admitted["ToPort"]) == ("0.0.0.0/0", 80, 80)
    assert "SecurityGroupEgress" not in own

    tasks = "<SmallPoolServiceSecurityGroup.GroupId>"
    (out,) = (
        each.properties
        for each in hashed.all("AWS::EC2::SecurityGroupEgress")
        if hashed.show(each.properties["GroupId"]) == hashed.show(group)
    )
    assert (hashed.show(out["DestinationSecurityGroupId"]), out["FromPort"]) == (tasks, 8080)
    into_tasks = [
        each.properties
        for each in hashed.all("AWS::EC2::SecurityGroupIngress")
        if hashed.show(each.properties["GroupId"]) == tasks
    ]
    assert {hashed.show(each["SourceSecurityGroupId"]) for each in into_tasks} == {
        "<LoadBalancerSecurityGroup.GroupId>",
        "<NetworkBalancerSecurityGroup.GroupId>",
    }
    assert {(each["FromPort"], each["ToPort"]) for each in into_tasks} == {(8080, 8080)}


@pytest.mark.parametrize(
    ("named", "pool"),
    [(None, "large"), pytest.param("small", "small", marks=pytest.mark.deep)],
)
def test_it_stands_before_the_first_container_pool_or_the_named_one(
    synthesize: Synthesize, named: str | None, pool: str
) -> None:
    balancer = replace(EVERYTHING.load_balancer, ip_hash_pool=named)
    environment = synthesize(replace(EVERYTHING, load_balancer=balancer))
    behind = {
        each.name[:5].lower(): len(each.properties["LoadBalancers"])
        for each in environment.all("AWS::ECS::Service")
    }
    assert behind == {"large": 1, "small": 1, pool: 2}
    assert environment.target_group(pool, "TCP")
    direct = {
        variables["POOL_NAME"]: variables["DIRECT_CLIENTS"]
        for task in environment.all("AWS::ECS::TaskDefinition")
        for container in task.properties["ContainerDefinitions"]
        if "POOL_NAME"
        in (variables := {each["Name"]: each["Value"] for each in container["Environment"]})
    }
    # by which its tasks know that anybody can send them X-Forwarded-For
    assert direct == {"large": "false", "small": "false", pool: "true"}


@pytest.mark.parametrize(
    ("idle", "kept"),
    [
        (321, 351),
        *(pytest.param(*each, marks=pytest.mark.deep) for each in ((320, 350), (4_000, 4_030))),
    ],
)
def test_it_does_not_forget_a_connection_that_the_task_still_keeps(
    synthesize: Synthesize, idle: int, kept: int
) -> None:
    overrides = {**CHECKED, "load_balancer.idle_timeout": idle}
    attributes = listener_of(synthesize(environment_from(overrides))).attributes
    assert attributes == {"tcp.idle_timeout.seconds": str(kept)}


def test_its_url_is_an_output_and_it_is_watched(hashed: Synthesized, dev: Synthesized) -> None:
    url = hashed.show(hashed.stacks["Web"]["Outputs"]["NlbUrl"]["Value"])
    assert url == "http://<NetworkBalancer.DNSName>"
    assert "NlbUrl" not in dev.stacks["Web"]["Outputs"]
    for environment, watched in ((hashed, True), (dev, False)):
        alarms = {each.name for each in environment.all("AWS::CloudWatch::Alarm")}
        assert ("AlarmsNetworkUnhealthy" in alarms) is watched
        body = json.dumps(environment.one("AWS::CloudWatch::Dashboard").properties)
        assert ("ActiveFlowCount" in body) is watched


def network(environment: Synthesized) -> Resource:
    (found,) = (
        each
        for each in environment.all(f"{ELB}::LoadBalancer")
        if each.properties["Type"] == "network"
    )
    return found


def listener_of(environment: Synthesized) -> Resource:
    (found,) = (
        each
        for each in environment.all(f"{ELB}::Listener")
        if each.properties["LoadBalancerArn"] == {"Ref": network(environment).logical_id}
    )
    return found
