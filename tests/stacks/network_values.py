"""Wrong and valid values of the settings of the network and of an existing VPC."""

from tests.stacks.complete import REGION
from tests.stacks.setting_kinds import (
    IN_REGION,
    LONG,
    Values,
    flag,
    number,
    text,
)

ZONES = [f"{REGION}{letter}" for letter in "abcd"]
VPC = "vpc-0123456789abcdef0"
SUBNETS = [f"subnet-0123456789abcdef{number}" for number in range(4)]
IN_VPC = {
    **IN_REGION,
    "availability_zones": ",".join(ZONES[:2]),
    "vpc.id": VPC,
    "vpc.public_subnets": ",".join(SUBNETS[:2]),
}


def subnets(standard: str) -> Values:
    """One in each zone of IN_VPC."""
    one, two, three, _ = SUBNETS
    wrong = (
        *(one, f"{one},{one}", f"{one},{two},{three}", "subnet-", "x,y", f"{one},subnet-1234567g"),
        *(f"{one},{VPC}", f"{one};{two}", f"{one.upper()},{two}", f"{one} {two}", f"{one},{two},"),
    )
    typed = (5, True, 1.5, None, {"x": "y"}, [1, 2], [[one, two]], [""], [one], [one, None])
    return Values(
        wrong,
        typed,
        ((f"{two},{three}", IN_VPC), ([two, three], IN_VPC), (standard, IN_VPC)),
        IN_VPC,
    )


NETWORK: dict[str, Values] = {
    "availability_zones": Values(
        (
            *("", ",", ZONES[0], "a,b", "eu-west-1,eu-west-1", f"{ZONES[0]},{ZONES[0]}"),
            f"{ZONES[0]},eu-west-2a",
            f"{ZONES[0]},,{ZONES[1]}",
            f"{ZONES[0]},eu-west-1-lhr-1a",
            f"{ZONES[0]},eu-west-1B",
            f"{ZONES[0]},euw1-az1",
            ",".join([*ZONES, "eu-west-1e"]),
            ",".join([*ZONES, ZONES[0]]),
            LONG,
        ),
        (
            *(5, True, 1.5, None, {"x": "y"}, [1, 2], [ZONES], [ZONES[0], None], [""], [ZONES[0]]),
            [ZONES[0], ZONES[0]],
            [ZONES[0], f"{ZONES[1]}\n"],
            [*ZONES, "eu-west-1e"],
        ),
        (
            *((zones, IN_REGION) for zones in (ZONES, ZONES[:2], ", ".join(ZONES), "none", [])),
            ("us-west-1a,us-west-1c", {"region": "us-west-1"}),
        ),
        IN_REGION,
    ),
    "network.cidr": text(
        (
            *("", "10.0.0.0", "10.0.0.0/8", "10.0.0.0/25", "10.0.0.1/16", "8.8.8.0/24", "::/16"),
            *("10.0.0.0/255.255.0.0", "10.0.0.0/016", "10.0/16", "010.0.0.0/16", "10.0.0.0/16\n"),
            *("172.32.0.0/16", "192.169.0.0/16", "100.128.0.0/16", "127.0.0.0/16", "0.0.0.0/16"),
            "\u0661\u0660.0.0.0/16",
            "10.0.0.0/16,10.1.0.0/16",
            LONG,
        ),
        ("10.255.0.0/16", "172.31.255.0/24", "192.168.0.0/16", "100.64.0.0/24", "100.127.0.0/16"),
    ),
    "network.nat_gateways": number(0, 2, (4, {**IN_REGION, "availability_zones": ",".join(ZONES)})),
    "network.flow_logs": flag(),
    "vpc.id": text(
        (
            *("", "vpc", "vpc-", "vpc-1234567", "vpc-123456789", "vpc-1234567g", "VPC-12345678"),
            *("subnet-12345678", f"{VPC}\n", f" {VPC}", f"{VPC}0", LONG),
        ),
        ((VPC, IN_VPC), ("vpc-12345678", IN_VPC)),
        optional=True,
    ),
    "vpc.public_subnets": subnets(IN_VPC["vpc.public_subnets"]),
    "vpc.private_subnets": subnets("none"),
}
