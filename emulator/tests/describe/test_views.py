"""Describing calls by botocore's clients: what is there is listed, what nothing has is AWS's error,
and what an empty list would hide is named."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.describe.called import Call, FakeMade, client
from tests.rows import rows

from emulator.describe.balancers import BalancerView
from emulator.describe.cloudwatch import CloudWatchView
from emulator.describe.containers import EcsView
from emulator.describe.functions import LambdaView
from emulator.describe.made import Made
from emulator.describe.websocket import WebSocketView
from emulator.metrics.store import Metric

HERE = "us-east-1:123456789012"
FUNCTION = f"arn:aws:lambda:{HERE}:function:send"
ELB = f"arn:aws:elasticloadbalancing:{HERE}"
BALANCER, OTHER = f"{ELB}:loadbalancer/app/a/1", f"{ELB}:loadbalancer/net/b/2"
LISTENER, RULE = f"{ELB}:listener/app/a/1/3", f"{ELB}:listener-rule/app/a/1/3/4"
GROUPS = [f"{ELB}:targetgroup/{name}/5" for name in ("one", "two", "three")]
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


def aws(name: str, *, region: str = "us-east-1") -> Any:
    view: Any = {
        "lambda": LambdaView(MADE),
        "elbv2": BalancerView(MADE, lambda: {"target_groups": []}),
        "elb": BalancerView(MADE, lambda: {"target_groups": []}),
        "ecs": EcsView(MADE, lambda: STATE),
        "apigatewayv2": WebSocketView(MADE),
        "cloudwatch": CloudWatchView(FakeCloudWatch(), FakeStore(), 1),  # type: ignore[arg-type]
    }[name]
    return client(name, view.operations(), MADE, region)


def rules(found: Any) -> list[str]:
    return [each["Priority"] for each in found["Rules"]]


def names(key: str, field: str) -> Any:
    return lambda found: [each[field].rpartition("/")[2] for each in found[key]]


LISTED: list[tuple[str, Call, Any, Any]] = [
    ("lambda", lambda aws: aws.list_functions(), names("Functions", "FunctionName"), ["send", "other"]),
    ("lambda", lambda aws: aws.list_functions(MaxItems=1), names("Functions", "FunctionName"), ["send"]),
    (
        "lambda",
        lambda aws: aws.list_functions(FunctionVersion="ALL"),
        lambda found: [each["Version"] for each in found["Functions"]],
        ["$LATEST", "1", "$LATEST"],
    ),
    (
        "lambda",
        lambda aws: aws.list_versions_by_function(FunctionName="send"),
        lambda found: [each["FunctionArn"] for each in found["Versions"]],
        [f"{FUNCTION}:$LATEST", f"{FUNCTION}:1"],
    ),
    ("lambda", lambda aws: aws.list_aliases(FunctionName=FUNCTION), names("Aliases", "Name"), ["live"]),
    ("lambda", lambda aws: aws.list_aliases(FunctionName="other"), names("Aliases", "Name"), []),
    (
        "lambda",
        lambda aws: aws.get_alias(FunctionName="send", Name="live"),
        lambda found: found["FunctionVersion"],
        "1",
    ),
    (
        "lambda",
        lambda aws: aws.get_function(FunctionName="send:live"),
        lambda found: (found["Configuration"]["Version"], found["Configuration"]["FunctionArn"]),
        ("1", f"{FUNCTION}:live"),
    ),
    (
        "lambda",
        lambda aws: aws.get_function_configuration(FunctionName="send", Qualifier="1"),
        lambda found: found["FunctionArn"],
        f"{FUNCTION}:1",
    ),
    ("lambda", lambda aws: aws.get_function(FunctionName="send"), lambda found: found["Tags"], {"pool": "small"}),
    ("lambda", lambda aws: aws.list_tags(Resource=FUNCTION), lambda found: found["Tags"], {"pool": "small"}),
    (
        "lambda",
        lambda aws: aws.get_function_concurrency(FunctionName="other"),
        lambda found: found["ReservedConcurrentExecutions"],
        2,
    ),
    (
        "lambda",
        lambda aws: aws.list_event_source_mappings(FunctionName="other"),
        names("EventSourceMappings", "UUID"),
        ["q"],
    ),
    ("elbv2", lambda aws: aws.describe_rules(ListenerArn=LISTENER), rules, ["3", "20", "default"]),
    ("elbv2", lambda aws: aws.describe_rules(RuleArns=[f"{RULE}3"]), rules, ["3"]),
    (
        "elbv2",
        lambda aws: aws.describe_target_groups(LoadBalancerArn=BALANCER),
        names("TargetGroups", "TargetGroupName"),
        ["one", "two"],
    ),
    ("elbv2", lambda aws: aws.describe_target_groups(LoadBalancerArn=OTHER), names("TargetGroups", "TargetGroupArn"), []),
    ("elbv2", lambda aws: aws.describe_listeners(LoadBalancerArn=OTHER), names("Listeners", "ListenerArn"), []),
    (
        "elbv2",
        lambda aws: aws.describe_tags(ResourceArns=[BALANCER, OTHER]),
        lambda found: [each["Tags"] for each in found["TagDescriptions"]],
        [TAGS, []],
    ),
    ("ecs", lambda aws: aws.list_services(cluster="web"), lambda found: [each[-5:] for each in found["serviceArns"]], ["small"]),
    ("ecs", lambda aws: aws.list_tasks(cluster="web"), lambda found: [each[-4:] for each in found["taskArns"]], ["runs"]),
    (
        "ecs",
        lambda aws: aws.list_tasks(cluster="web", desiredStatus="STOPPED"),
        lambda found: [each[-5:] for each in found["taskArns"]],
        ["ended"],
    ),
    (
        "ecs",
        lambda aws: aws.describe_tasks(cluster="web", tasks=["runs", "none"]),
        lambda found: [each["reason"] for each in found["failures"]],
        ["MISSING"],
    ),
    (
        "ecs",
        lambda aws: aws.describe_task_definition(taskDefinition="fam:1", include=["TAGS"]),
        lambda found: (found["taskDefinition"]["containerDefinitions"], found["tags"]),
        (
            [
                {
                    "name": "web",
                    "environment": [{"name": "POOL", "value": "small"}],
                    "dockerLabels": {"Team": "chat"},
                    "portMappings": [{"containerPort": 8080}],
                }
            ],
            [{"key": "pool", "value": "small"}],
        ),
    ),
    (
        "ecs",
        lambda aws: aws.describe_task_definition(taskDefinition="fam"),
        lambda found: (found["taskDefinition"]["revision"], "tags" in found),
        (1, False),
    ),
    ("ecs", lambda aws: aws.list_task_definitions(familyPrefix="fam"), lambda found: len(found["taskDefinitionArns"]), 1),
    ("ecs", lambda aws: aws.list_task_definitions(familyPrefix="f"), lambda found: len(found["taskDefinitionArns"]), 0),
    ("apigatewayv2", lambda aws: aws.get_route(ApiId="abc", RouteId="r1"), lambda found: found["RouteKey"], "$connect"),
    ("apigatewayv2", lambda aws: aws.get_stage(ApiId="abc", StageName="live"), lambda found: found["StageName"], "live"),
    (
        "cloudwatch",
        lambda aws: aws.list_metrics(Dimensions=[{"Name": "FunctionName", "Value": "send"}]),
        lambda found: len(found["Metrics"]),
        1,
    ),
    ("cloudwatch", lambda aws: aws.list_metrics(Dimensions=[{"Name": "FunctionName"}]), lambda found: len(found["Metrics"]), 2),
    ("cloudwatch", lambda aws: aws.list_metrics(Dimensions=[{"Name": "Pool"}]), lambda found: len(found["Metrics"]), 0),
    (
        "cloudwatch",
        lambda aws: aws.list_dashboards(DashboardNamePrefix="co"),
        names("DashboardEntries", "DashboardName"),
        ["costs"],
    ),
]  # fmt: skip


@rows("row", LISTED, ids=lambda row: f"{row[0]} {row[3]}")
def test_what_is_there_is_listed_by_what_was_asked_for(row: tuple[str, Call, Any, Any]) -> None:
    name, call, read, expected = row
    assert read(call(aws(name))) == expected


ABSENT: list[tuple[str, Call, str, str]] = [
    ("lambda", lambda aws: aws.get_function(FunctionName="send:none"), "ResourceNotFoundException", "Function not found"),
    ("lambda", lambda aws: aws.get_function(FunctionName="send", Qualifier="7"), "ResourceNotFoundException", "send:7"),
    ("lambda", lambda aws: aws.list_event_source_mappings(FunctionName="none"), "ResourceNotFoundException", "not found"),
    ("lambda", lambda aws: aws.get_event_source_mapping(UUID="0" * 36), "ResourceNotFoundException", "does not exist"),
    ("lambda", lambda aws: aws.get_alias(FunctionName="send", Name="x"), "ResourceNotFoundException", "Cannot find alias"),
    ("lambda", lambda aws: aws.list_aliases(FunctionName="none"), "ResourceNotFoundException", "not found"),
    (
        "lambda",
        lambda aws: aws.get_function(FunctionName=FUNCTION.replace("us-east-1", "eu-west-1")),
        "ResourceNotFoundException",
        "not reachable in this region",
    ),
    ("lambda", lambda aws: aws.get_function(FunctionName="999999999999:send"), "AccessDeniedException", ""),
    ("lambda", lambda aws: aws.list_functions(Marker="x"), "InvalidParameterValueException", ""),
    ("elbv2", lambda aws: aws.describe_listeners(LoadBalancerArn=BALANCER + "x"), "LoadBalancerNotFound", "balancers not found"),
    ("elbv2", lambda aws: aws.describe_listeners(ListenerArns=[LISTENER + "x"]), "ListenerNotFound", "listeners not found"),
    ("elbv2", lambda aws: aws.describe_listeners(), "ValidationError", "You must specify either"),
    ("elbv2", lambda aws: aws.describe_rules(ListenerArn=LISTENER + "x"), "ListenerNotFound", "listeners not found"),
    ("elbv2", lambda aws: aws.describe_rules(RuleArns=[RULE + "x"]), "RuleNotFound", "rules not found"),
    ("elbv2", lambda aws: aws.describe_rules(), "ValidationError", "You must specify either"),
    ("elbv2", lambda aws: aws.describe_target_groups(LoadBalancerArn=BALANCER + "x"), "LoadBalancerNotFound", ""),
    ("elbv2", lambda aws: aws.describe_target_groups(Names=["x"]), "TargetGroupNotFound", "target groups not found"),
    ("elbv2", lambda aws: aws.describe_tags(ResourceArns=[GROUPS[0] + "x"]), "TargetGroupNotFound", ""),
    ("elb", lambda aws: aws.describe_load_balancers(), "NotImplemented", "version 2012-06-01"),
    ("ecs", lambda aws: aws.list_tasks(cluster="web", serviceName="none"), "ServiceNotFoundException", "Service not found."),
    ("ecs", lambda aws: aws.describe_services(cluster="web", services=[]), "InvalidParameterException", "cannot be empty"),
    ("ecs", lambda aws: aws.list_services(cluster="eb"), "ClusterNotFoundException", ""),
    (
        "ecs",
        lambda aws: aws.list_services(cluster="arn:aws:ecs:us-east-1:999999999999:cluster/web"),
        "NotImplemented",
        "the account 123456789012 in us-east-1, and not that of arn:aws:ecs",
    ),
    (
        "lambda",
        lambda aws: aws.list_event_source_mappings(EventSourceArn=JOBS.replace("us-east-1", "eu-west-1")),
        "NotImplemented",
        "not that of arn:aws:sqs:eu-west-1",
    ),
    (
        "elbv2",
        lambda aws: aws.describe_target_groups(TargetGroupArns=[GROUPS[0].replace("us-east-1", "eu-west-1")]),
        "NotImplemented",
        "us-east-1",
    ),
    ("ecs", lambda aws: aws.describe_task_definition(taskDefinition="fam:2"), "ClientException", "Unable to describe"),
    ("cloudwatch", lambda aws: aws.describe_alarms(AlarmNames=["a"], AlarmNamePrefix="a"), "ValidationError", "exclude"),
    ("apigatewayv2", lambda aws: aws.get_deployments(ApiId="abc"), "NotImplemented", "a stage with AutoDeploy"),
    ("apigatewayv2", lambda aws: aws.get_route(ApiId="abc", RouteId="x"), "NotFoundException", "Invalid Route identifier"),
    ("apigatewayv2", lambda aws: aws.get_stage(ApiId="x", StageName="live"), "NotFoundException", "Invalid API identifier"),
]  # fmt: skip


@rows("row", ABSENT, ids=lambda row: f"{row[0]} {row[2]} {row[3]}")
def test_what_nothing_has_is_an_error_and_no_empty_list(row: tuple[str, Call, str, str]) -> None:
    name, call, code, sentence = row
    with pytest.raises(ClientError) as failed:
        call(aws(name))
    assert failed.value.response["Error"]["Code"] == code
    assert sentence in str(failed.value)


def test_a_mapping_says_what_it_was_made_with() -> None:
    """The names, and the values of what is left out, as LocalStack has recorded them."""
    given = aws("lambda").get_event_source_mapping(UUID=STREAM_ID)
    (listed,) = aws("lambda").list_event_source_mappings(EventSourceArn=STREAM)[
        "EventSourceMappings"
    ]
    given.pop("ResponseMetadata")
    assert given == listed
    assert given["FunctionArn"] == f"{FUNCTION}:live"
    assert (given["StartingPosition"], given["State"]) == ("LATEST", "Enabled")
    assert given["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert given["FilterCriteria"]["Filters"][0]["Pattern"] == '{"eventName": ["INSERT"]}'
    assert (given["MaximumRetryAttempts"], given["MaximumRecordAgeInSeconds"]) == (3, -1)
    assert given["BisectBatchOnFunctionError"] is True
    (queue,) = aws("lambda").list_event_source_mappings(EventSourceArn=JOBS)["EventSourceMappings"]
    assert (queue["BatchSize"], queue["FunctionResponseTypes"]) == (10, [])
    reasons = (given["StateTransitionReason"], queue["StateTransitionReason"])
    assert reasons == ("User action", "USER_INITIATED")
    arn = f"arn:aws:lambda:{HERE}:event-source-mapping:{STREAM_ID}"
    assert given["EventSourceMappingArn"] == arn
    assert "MaximumRetryAttempts" not in queue


@rows(
    ("name", "call", "status"),
    [
        ("lambda", lambda aws: aws.get_function(FunctionName="none"), 404),
        ("lambda", lambda aws: aws.get_function(FunctionName="999999999999:send"), 403),
        ("lambda", lambda aws: aws.get_function(FunctionName="a b"), 400),
        ("lambda", lambda aws: aws.get_alias(FunctionName="send", Name="x"), 404),
        ("lambda", lambda aws: aws.get_event_source_mapping(UUID="0" * 36), 404),
        ("apigatewayv2", lambda aws: aws.get_route(ApiId="abc", RouteId="x"), 404),
        ("apigatewayv2", lambda aws: aws.get_stage(ApiId="x", StageName="live"), 404),
        ("cloudwatch", lambda aws: aws.get_dashboard(DashboardName="x"), 404),
        ("elbv2", lambda aws: aws.describe_rules(RuleArns=[RULE + "x"]), 400),
    ],
    ids=range(9),
)
def test_an_error_has_the_status_of_its_shape_in_the_service_s_model(
    name: str, call: Call, status: int
) -> None:
    with pytest.raises(ClientError) as failed:
        call(aws(name))
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_while_it_starts_nothing_is_listed_as_empty_and_no_call_is_repeated() -> None:
    """botocore repeats what is 503; it does not what is 400."""
    made = Made()
    with pytest.raises(ClientError, match="still starting") as failed:
        client("lambda", LambdaView(made).operations(), made).list_functions()
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_while_it_starts_metrics_and_alarms_are_there_which_need_nothing_that_is_made() -> None:
    view = CloudWatchView(FakeCloudWatch(), FakeStore(), 1)  # type: ignore[arg-type]
    assert len(client("cloudwatch", view.operations(), Made()).list_metrics()["Metrics"]) == 2
