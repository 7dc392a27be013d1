"""The network stack, synthesized by itself: what a further zone or a NAT gateway changes."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any

import pytest

from stacks.config.environments import DEV, Environment
from stacks.config.errors import ConfigError
from stacks.config.regions import MOST_ZONES
from stacks.config.settings import Network
from tests.stacks.synthesized import Synthesized

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("synthesis")]

CIDRS = ("10.0.0.0/16", "172.16.4.0/24")
# "a CIDR block with at least a /27 bitmask"
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#availability-zones
SMALLEST = 27
Alone = Callable[[Environment], Synthesized]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    from tests.stacks.synthesis import network

    @cache
    def of(config: Environment) -> Synthesized:
        return network(config, tmp_path_factory.mktemp("network"))

    return of


def zoned(zones: int, cidr: str = CIDRS[0], nat_gateways: int = 0) -> Environment:
    return replace(
        DEV,
        region="us-east-1",
        availability_zones=tuple(f"us-east-1{letter}" for letter in "abcdef"[:zones]),
        network=Network(cidr=cidr, nat_gateways=nat_gateways),
    )


def blocks(environment: Synthesized) -> dict[str, str]:
    return {
        each.logical_id: each.properties["CidrBlock"]
        for each in environment.all("AWS::EC2::Subnet")
    }


def zones(environment: Synthesized) -> list[Any]:
    return [each.properties["AvailabilityZone"] for each in environment.all("AWS::EC2::Subnet")]


@pytest.mark.parametrize("cidr", CIDRS)
def test_a_zone_more_adds_subnets_and_moves_none(alone: Alone, cidr: str) -> None:
    by_zones = [blocks(alone(zoned(zones, cidr))) for zones in range(2, MOST_ZONES + 1)]
    for fewer, more in pairwise(by_zones):
        assert fewer.items() < more.items()
        assert len(more) == len(fewer) + 2  # a public and a private one


@pytest.mark.parametrize("cidr", CIDRS)
def test_every_subnet_is_as_large_as_a_load_balancer_needs(alone: Alone, cidr: str) -> None:
    subnets = [IPv4Network(block) for block in blocks(alone(zoned(MOST_ZONES, cidr))).values()]
    assert all(subnet.prefixlen <= SMALLEST for subnet in subnets)
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in subnets)
    assert not any(a.overlaps(b) for a in subnets for b in subnets if a is not b)


def test_a_zone_too_many_is_rejected(alone: Alone) -> None:
    with pytest.raises(ConfigError, match="availability_zones"):
        alone(zoned(MOST_ZONES + 1))


def test_private_subnets_are_the_same_with_any_number_of_nat_gateways(
    alone: Alone,
) -> None:
    found = [alone(zoned(2, nat_gateways=gateways)) for gateways in range(3)]
    assert blocks(found[0]) == blocks(found[1]) == blocks(found[2])
    exported = [set(environment.stacks["Network"]["Outputs"]) for environment in found]
    assert exported[0] == exported[1] == exported[2]


def test_without_a_nat_gateway_private_subnets_have_no_way_out(alone: Alone) -> None:
    for gateways in range(3):
        environment = alone(zoned(2, nat_gateways=gateways))
        assert len(environment.all("AWS::EC2::NatGateway")) == gateways
        ways_out = [
            each
            for each in environment.all("AWS::EC2::Route")
            if "private" in each.logical_id and each.properties["DestinationCidrBlock"]
        ]
        assert len(ways_out) == (2 if gateways else 0)


def test_zones_are_the_region_s_first_two_or_the_configured_ones(alone: Alone) -> None:
    assert zones(alone(zoned(3))) == [f"us-east-1{letter}" for letter in "abc"] * 2
    pinned = replace(DEV, account="123456789012", region="eu-west-1")
    for config in (DEV, pinned):
        assert [next(iter(zone)) for zone in zones(alone(config))] == ["Fn::Select"] * 4
