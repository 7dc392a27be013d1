"""An environment in a network that exists already."""

from dataclasses import replace

import pytest

from stacks.config.environments import DEV, Environment
from stacks.config.errors import ConfigError
from stacks.config.existing_vpc import ExistingVpc
from stacks.config.settings import Network
from tests.stacks.complete import REGION
from tests.stacks.rehearsed import assembly, rehearsed, stops
from tests.stacks.synthesized import Synthesize

VPC = "vpc-0123456789abcdef0"
PUBLIC = tuple(f"subnet-0123456789abcdef{number}" for number in range(2))
PRIVATE = tuple(f"subnet-0123456789abcdef{number}" for number in range(2, 4))
IN_REGION = replace(DEV, region=REGION, availability_zones=(f"{REGION}a", f"{REGION}b"))


def within(public: tuple[str, ...] = PUBLIC, private: tuple[str, ...] = ()) -> Environment:
    vpc = ExistingVpc(id=VPC, public_subnets=public, private_subnets=private)
    return replace(IN_REGION, vpc=vpc)


@pytest.mark.parametrize(
    ("private", "tasks"), [pytest.param((), PUBLIC, marks=pytest.mark.deep), (PRIVATE, PRIVATE)]
)
def test_balancer_and_tasks_stand_in_its_subnets(
    synthesize: Synthesize, private: tuple[str, ...], tasks: tuple[str, ...]
) -> None:
    config = within(private=private)
    made = synthesize(config)
    assert "Network" not in made.stacks
    assert made.all("AWS::EC2::Subnet") == made.all("AWS::EC2::VPC") == []
    (balancer,) = made.all("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert tuple(balancer.properties["Subnets"]) == PUBLIC
    (service,) = made.all("AWS::ECS::Service")
    network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert tuple(network["Subnets"]) == tasks
    assert network["AssignPublicIp"] == ("DISABLED" if private else "ENABLED")
    for kind in ("EC2::SecurityGroup", "ElasticLoadBalancingV2::TargetGroup"):
        named = [each.properties.get("VpcId") for each in made.all(f"AWS::{kind}")]
        assert set(named) - {None} == {VPC}
    assert stops(rehearsed(None, assembly(config, made))) == set()


def test_what_does_not_go_together_is_an_error() -> None:
    with pytest.raises(ConfigError, match="one for each of availability_zones, which are 2"):
        within(public=PUBLIC[:1])
    with pytest.raises(ConfigError, match="one for each of availability_zones, which are 2"):
        within(private=PRIVATE[:1])
    with pytest.raises(ConfigError, match="which are 0"):
        replace(within(), availability_zones=())
    with pytest.raises(ConfigError, match="are its owner's"):
        replace(within(), network=Network(nat_gateways=1))
    with pytest.raises(ConfigError, match=r"of the VPC vpc\.id, which is None"):
        ExistingVpc(public_subnets=PUBLIC)
