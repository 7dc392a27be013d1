"""Settings of a network that exists already, and is managed by somebody else."""

import re
from dataclasses import dataclass

from stacks.config.errors import require
from stacks.config.type_checks import require_types

VPC = re.compile(r"vpc-[0-9a-f]{8}(?:[0-9a-f]{9})?")
SUBNET = re.compile(r"subnet-[0-9a-f]{8}(?:[0-9a-f]{9})?")


@dataclass(frozen=True, kw_only=True)
class ExistingVpc:
    """By its ids, as nothing is looked up at synth; without `id` the environment has its own.

    The subnets are in the order of the environment's availability_zones, one in each. The load
    balancer stands in the public ones; the tasks too, with addresses of their own, unless there are
    private ones, which need a way to the internet. Its routes, endpoints and flow logs are its
    owner's.
    """

    id: str | None = None
    public_subnets: tuple[str, ...] = ()
    private_subnets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_types(self, "vpc.")
        require(
            self.id is None or bool(VPC.fullmatch(self.id)),
            "vpc.id",
            self.id,
            "a VPC's id is vpc- and 8 or 17 hexadecimal digits",
            "Set vpc.id to it, or to none for a network of the environment's own",
        )
        for name in ("public_subnets", "private_subnets"):
            subnets: tuple[str, ...] = getattr(self, name)
            require(
                all(map(SUBNET.fullmatch, subnets)) and len(set(subnets)) == len(subnets),
                f"vpc.{name}",
                ", ".join(subnets),
                "a subnet's id is subnet- and 8 or 17 hexadecimal digits, and each stands once",
                f"Set vpc.{name} to the ids, one for each zone",
            )
            require(
                self.id is not None or not subnets,
                f"vpc.{name}",
                ", ".join(subnets),
                "they are of the VPC vpc.id, which is None",
                f"Set vpc.id, or vpc.{name} to none",
            )

    def check_environment(self, zones: int, gateways: int, *, flow_logs: bool) -> None:
        """Raises ConfigError where the rest of the environment does not go with it."""
        if self.id is None:
            return
        for name, needed in (("public_subnets", True), ("private_subnets", False)):
            subnets: tuple[str, ...] = getattr(self, name)
            require(
                len(subnets) == zones >= 2 or not (needed or subnets),
                f"vpc.{name}",
                ", ".join(subnets),
                f"there is one for each of availability_zones, which are {zones}, and a load "
                "balancer wants two zones or more",
                "Name the zones of the subnets in availability_zones, in the same order",
            )
        require(
            gateways == 0 and not flow_logs,
            "vpc.id",
            self.id,
            "gateways and flow logs of a VPC that exists are its owner's, and network.nat_gateways "
            f"is {gateways}, network.flow_logs {flow_logs}",
            "Set network.nat_gateways to 0 and network.flow_logs to false",
        )
