"""ARNs and names of endpoints by partition: AWS General Reference, "Amazon Resource Names (ARNs)",
docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.rows import rows

from emulator.addresses import Addresses
from emulator.clock import Clock
from emulator.containers.scalable import Scalable
from emulator.events.schedules import ScheduleProvider
from emulator.gateway.provider import ApiGatewayProvider
from emulator.metrics.log_groups import LogGroupProvider
from emulator.metrics.provider import CloudWatchProvider
from emulator.metrics.store import Store
from emulator.providers import Created, InvokeResult, Resource
from emulator.template.ignored import named
from emulator.template.place import Place, arn_in, url_suffix_of

BEIJING, ACCOUNT = "cn-north-1", "123456789012"


@rows(
    ("region", "partition", "suffix"),
    [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("us-gov-west-9", "aws-us-gov", "amazonaws.com"),
        (BEIJING, "aws-cn", "amazonaws.com.cn"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("nowhere", "aws", "amazonaws.com"),
    ],
)
def test_a_region_is_in_a_partition_with_a_suffix_of_its_own(
    region: str, partition: str, suffix: str
) -> None:
    place = Place(ACCOUNT, region)
    assert (place.partition, place.url_suffix) == (partition, suffix)
    assert url_suffix_of(region) == suffix
    arn = f"arn:{partition}:ecs:{region}:{ACCOUNT}:cluster/chat"
    assert arn_in(f"{region}:{ACCOUNT}", "ecs", "cluster/chat") == arn


async def unused(_function: str, _event: bytes) -> InvokeResult:
    raise AssertionError("nothing is invoked")


def create(provider: Any, kind: str, **properties: Any) -> Created:
    made: Created = asyncio.run(provider.create(Resource("s", "Thing", kind), properties))
    return made


def test_what_is_made_in_a_region_of_china_is_in_its_partition(tmp_path: Path) -> None:
    gateway = ApiGatewayProvider(
        unused, websocket_port=0, management_port=0, region=BEIJING, account=ACCOUNT
    )
    scope, made = f"{BEIJING}:{ACCOUNT}", []
    made.append(create(gateway, "AWS::ApiGatewayV2::DomainName", DomainName="ws.example.com"))
    schedules = ScheduleProvider(unused, Clock(), print, BEIJING, ACCOUNT)
    made.append(create(schedules, "AWS::Events::Rule", ScheduleExpression="rate(1 minute)"))
    groups = LogGroupProvider(tmp_path, lambda: (), BEIJING, ACCOUNT)
    made.append(create(groups, "AWS::Logs::LogGroup"))
    metrics = CloudWatchProvider(Store(lambda: 0.0), BEIJING, ACCOUNT, lambda *_: None)
    made.append(create(metrics, "AWS::CloudWatch::CompositeAlarm", AlarmRule="ALARM(a)"))
    made.append(named(Resource("s", "Vpc", "AWS::EC2::VPC"), BEIJING, ACCOUNT))
    arns = [
        each.attributes["DomainNameArn" if "DomainNameArn" in each.attributes else "Arn"]
        for each in made
    ]
    policy = {
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": "service/c/s|d|ecs",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 50,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
        },
    }
    kind = "AWS::ApplicationAutoScaling::ScalingPolicy"
    arns.append(Scalable(scope).create(Resource("s", "P", kind), "p", policy).ref)
    assert {arn.split(":")[1] for arn in arns} == {"aws-cn"}


def test_variables_with_addresses_in_china_name_what_runs_here() -> None:
    aws = "http://127.0.0.1:1"
    addresses = Addresses(BEIJING, aws, "api1", "ws://127.0.0.1:2", "http://127.0.0.1:3")
    gateway = f"api1.execute-api.{BEIJING}.amazonaws.com.cn/dev"
    found = addresses.environment(
        {
            "SOCKETS": f"wss://{gateway}",
            "POSTS": f"https://{gateway}",
            "FILES": f"https://files.s3.{BEIJING}.amazonaws.com.cn/a",
        }
    )
    assert found["SOCKETS"] == "ws://127.0.0.1:2/dev"
    assert found["POSTS"] == "http://127.0.0.1:3/dev"
    assert found["FILES"] == f"{aws}/files/a"
