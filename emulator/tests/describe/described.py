"""What was made, for the tests of views: a few resources of each service, and clients for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tests.describe.called import FakeMade, client

from emulator.describe.balancers import BalancerView
from emulator.describe.cloudwatch import CloudWatchView
from emulator.describe.containers import EcsView
from emulator.describe.functions import LambdaView
from emulator.describe.websocket import WebSocketView
from emulator.metrics.store import Metric

HERE = "us-east-1:123456789012"
FUNCTION = f"arn:aws:lambda:{HERE}:function:send"
ELB = f"arn:aws:elasticloadbalancing:{HERE}"
BALANCER, OTHER = f"{ELB}:loadbalancer/app/a/1", f"{ELB}:loadbalancer/net/b/2"
LISTENER, RULE = f"{ELB}:listener/app/a/1/3", f"{ELB}:listener-rule/app/a/1/3/4"
GROUPS = [f"{ELB}:targetgroup/{name}/5" for name in ("one", "two", "three")]
DEFAULT_RULE = f"{ELB}:listener-rule/app/a/1/3/default"
STREAM = f"arn:aws:dynamodb:{HERE}:table/chats/stream/now"
STREAM_ID = "12345678-1234-1234-1234-123456789012"
JOBS = f"arn:aws:sqs:{HERE}:jobs"

_LAMBDA, _ELB, _ECS, _API = (
    f"AWS::{name}::" for name in ("Lambda", "ElasticLoadBalancingV2", "ECS", "ApiGatewayV2")
)
TAGS = [{"Key": "pool", "Value": "small"}]


def forward(*groups: str) -> list[dict[str, Any]]:
    if len(groups) == 1:
        return [{"Type": "forward", "TargetGroupArn": groups[0]}]
    divided = [{"TargetGroupArn": each, "Weight": 1} for each in groups]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": divided}}]


DEFINITION = {
    "Cpu": 256,
    "Tags": TAGS,
    "Volumes": [
        {
            "Name": "files",
            "EFSVolumeConfiguration": {
                "FilesystemId": "fs-1",
                "AuthorizationConfig": {"IAM": "ENABLED"},
            },
        }
    ],
    "ContainerDefinitions": [
        {
            "Name": "web",
            "Environment": [{"Name": "POOL", "Value": "small"}],
            "DockerLabels": {"Team": "chat"},
            "PortMappings": [{"ContainerPort": "8080"}],
        }
    ],
}
MADE = FakeMade(
    (f"{_LAMBDA}Function", "send", {"Arn": FUNCTION}, {"Tags": TAGS, "Handler": "a.b"}),
    (f"{_LAMBDA}Function", "other", {"Arn": f"{FUNCTION}x"}, {"ReservedConcurrentExecutions": 2}),
    (f"{_LAMBDA}Version", "v", {"Version": "1"}, {"FunctionName": "send"}),
    (
        f"{_LAMBDA}Alias",
        "a",
        {"AliasArn": f"{FUNCTION}:live"},
        {"FunctionName": FUNCTION, "Name": "live", "FunctionVersion": "1"},
    ),
    (
        f"{_LAMBDA}EventSourceMapping",
        STREAM_ID,
        {},
        {
            "EventSourceArn": STREAM,
            "FunctionName": f"{FUNCTION}:live",
            "StartingPosition": "LATEST",
            "MaximumRetryAttempts": "3",
            "BisectBatchOnFunctionError": "true",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
        },
    ),
    (f"{_LAMBDA}EventSourceMapping", "q", {}, {"EventSourceArn": JOBS, "FunctionName": "other"}),
    (
        f"{_ELB}LoadBalancer",
        BALANCER,
        {"LoadBalancerName": "a", "DNSName": "127.0.0.1"},
        {"Tags": TAGS},
    ),
    (f"{_ELB}LoadBalancer", OTHER, {"LoadBalancerName": "b", "DNSName": "127.0.0.1"}, {}),
    (
        f"{_ELB}Listener",
        LISTENER,
        {},
        {"LoadBalancerArn": BALANCER, "Port": 80, "DefaultActions": forward(GROUPS[0])},
    ),
    *(
        (
            f"{_ELB}ListenerRule",
            f"{RULE}{priority}",
            {},
            {
                "ListenerArn": LISTENER,
                "Priority": priority,
                "Conditions": [],
                "Actions": forward(*GROUPS[:2]),
                "Tags": TAGS if priority == 20 else [],
            },
        )
        for priority in (20, 3)
    ),
    *((f"{_ELB}TargetGroup", arn, {"TargetGroupName": arn.split("/")[1]}, {}) for arn in GROUPS),
    (f"{_ECS}Cluster", "web", {"Arn": f"arn:aws:ecs:{HERE}:cluster/web"}, {}),
    (f"{_ECS}Cluster", "my-web", {"Arn": f"arn:aws:ecs:{HERE}:cluster/my-web"}, {}),
    (
        f"{_ECS}Service",
        f"arn:aws:ecs:{HERE}:service/web/small",
        {"Name": "small"},
        {"Cluster": "web", "TaskDefinition": "t:1"},
    ),
    (
        f"{_ECS}Service",
        f"arn:aws:ecs:{HERE}:service/my-web/x",
        {"Name": "x"},
        {"Cluster": "my-web"},
    ),
    (f"{_ECS}TaskDefinition", f"arn:aws:ecs:{HERE}:task-definition/fam:1", {}, DEFINITION),
    (
        f"{_ECS}TaskDefinition",
        f"arn:aws:ecs:{HERE}:task-definition/odd:1",
        {},
        {"ProxyConfiguration": {"Type": "APPMESH", "ProxyConfigurationProperties": []}},
    ),
    (f"{_API}Api", "abc", {}, {"Name": "sockets", "ProtocolType": "WEBSOCKET"}),
    (f"{_API}Route", "r1", {}, {"ApiId": "abc", "RouteKey": "$connect"}),
    (f"{_API}Stage", "live", {}, {"ApiId": "abc", "StageName": "live", "AutoDeploy": True}),
)
TASKS = [{"id": "runs", "exited": False}, {"id": "ended", "exited": True}]
STATE = {"pools": [{"name": "small", "desired": 1, "tasks": TASKS}]}


class FakeCloudWatch:
    dashboards: Mapping[str, Any] = MappingProxyType({"chat": {}, "costs": {}})


class FakeStore:
    def metrics(self) -> list[Metric]:
        pairs = [("FunctionName", "send"), ("FunctionName", "other")]
        return [Metric("AWS/Lambda", "Errors", frozenset({pair})) for pair in pairs]


def cloudwatch() -> CloudWatchView:
    return CloudWatchView(FakeCloudWatch(), FakeStore(), 1)  # type: ignore[arg-type]


def aws(name: str, *, region: str = "us-east-1") -> Any:
    view: Any = {
        "lambda": LambdaView(MADE),
        "elbv2": BalancerView(MADE, lambda: {"target_groups": []}),
        "elb": BalancerView(MADE, lambda: {"target_groups": []}),
        "ecs": EcsView(MADE, lambda: STATE),
        "apigatewayv2": WebSocketView(MADE),
        "cloudwatch": cloudwatch(),
    }[name]
    return client(name, view.operations(), MADE, region)
