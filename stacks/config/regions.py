"""Valid regions and availability zones, and the AWS services that regions have."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from stacks.config.errors import require

# Services that the templates use and some region lacks: user pools, WebSocket APIs, Fargate.
SERVICES = ("cognito-idp", "apigateway", "ecs", "lambda")

# Regions in which Fargate has no capacity in some zones that accounts get, and the ids of those
# that have it. Which letter a zone has differs from account to account.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html
FARGATE_ZONES = {
    "ap-northeast-1": ("apne1-az1", "apne1-az2", "apne1-az4"),
    "us-west-1": ("usw1-az1", "usw1-az3"),
}

# https://docs.aws.amazon.com/sns/latest/dg/sns-mobile-push-supported-regions.html
MOBILE_PUSH_REGIONS = frozenset(
    (
        "af-south-1",
        "ap-east-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-south-1",
        "eu-south-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "me-central-1",
        "me-south-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-gov-west-1",
        "us-west-1",
        "us-west-2",
    )
)
# the load balancer needs two zones, and the network has room for four
FEWEST_ZONES, MOST_ZONES = 2, 4


@cache
def partitions() -> Mapping[str, str]:
    """Region -> its partition ("aws", "aws-us-gov"), of every region that AWS has.

    Read from the files of botocore, which is installed with boto3; no network, no Node.js.
    """
    return {
        region: partition["partition"]
        for partition in _endpoints()["partitions"]
        for region in partition["regions"]
    }


@cache
def lacking(region: str) -> tuple[str, ...]:
    """The services of SERVICES that the region does not have."""
    (services,) = (
        partition["services"]
        for partition in _endpoints()["partitions"]
        if region in partition["regions"]
    )
    return tuple(
        service
        for service in SERVICES
        if region not in services.get(service, {}).get("endpoints", {})
    )


@cache
def _endpoints() -> Mapping[str, Any]:
    from botocore.loaders import create_loader  # slow to import, and not needed without a region

    endpoints: Mapping[str, Any] = create_loader().load_data("endpoints")
    return endpoints


def check_region(region: str | None) -> None:
    if region is None:
        return
    require(
        region in partitions(),
        "region",
        region,
        "AWS has no region of that code (botocore, which comes with boto3, lists them)",
        "Set region to one such as eu-west-1, or to none for that of the credentials",
    )
    missing = lacking(region)
    require(
        not missing,
        "region",
        region,
        f"AWS does not have {', '.join(missing)} there, and users are kept in Cognito user pools: "
        "the regions in China have none",
        "Set region to another, such as eu-west-1",
    )


def check_zones(zones: tuple[str, ...], region: str | None, *, containers: bool) -> None:
    """`containers`: whether there are tasks that Fargate has to place in the zones."""
    _check_number(zones)
    shown = ", ".join(zones)
    require(
        not zones or region is not None,
        "availability_zones",
        shown,
        f"they belong to the region, which is {region}",
        "Set region and zones that go together, or no zones for the region's first two",
    )
    for zone in zones:
        require(
            bool(re.fullmatch(rf"{region}[a-z]", zone)),
            "availability_zones",
            shown,
            f"they belong to the region, which is {region}, and a zone is called by its region "
            "and one letter",
            "Set region and zones that go together, or no zones for the region's first two",
        )
    fargate = FARGATE_ZONES.get(region or "")
    require(
        bool(zones) or fargate is None or not containers,
        "availability_zones",
        "none",
        f"the region's first two zones would be taken, and in {region} Fargate runs in "
        f"{', '.join(fargate or ())} only, whose letters differ from account to account",
        "Set availability_zones to the names of two of them, which aws ec2 "
        f"describe-availability-zones --region {region} lists",
    )


def _check_number(zones: tuple[str, ...]) -> None:
    require(
        len(zones) != 1,
        "availability_zones",
        ", ".join(zones),
        "a load balancer stands in at least two",
        "Name two or more, or none for the region's first two",
    )
    require(
        len(zones) <= MOST_ZONES,
        "availability_zones",
        ", ".join(zones),
        f"the network has room for {MOST_ZONES} zones",
        f"Name {FEWEST_ZONES} to {MOST_ZONES}, or none for the region's first two",
    )
    require(
        len(set(zones)) == len(zones),
        "availability_zones",
        ", ".join(zones),
        "a zone has one subnet of each kind, so it is named once",
        "Name each zone once, or none for the region's first two",
    )
