"""Describing calls by botocore's clients: what is there is listed, what nothing has is AWS's error,
and what an empty list would hide is named."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.describe.called import Call, client
from tests.describe.described import (
    BALANCER,
    DEFAULT_RULE,
    FUNCTION,
    GROUPS,
    HERE,
    JOBS,
    LISTENER,
    OTHER,
    RULE,
    STREAM,
    STREAM_ID,
    TAGS,
    aws,
    cloudwatch,
)
from tests.rows import rows

from emulator.describe.functions import LambdaView
from emulator.describe.made import Made


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
    ("elbv2", lambda aws: aws.describe_rules(RuleArns=[DEFAULT_RULE, f"{RULE}20"]), rules, ["20", "default"]),
    (
        "elbv2",
        lambda aws: aws.describe_tags(ResourceArns=[each["RuleArn"] for each in aws.describe_rules(ListenerArn=LISTENER)["Rules"]]),
        lambda found: [each["Tags"] for each in found["TagDescriptions"]],
        [[], TAGS, []],
    ),
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
    ("ecs", lambda aws: aws.list_tasks(cluster="web", desiredStatus="PENDING"), lambda found: found["taskArns"], []),
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
        lambda found: found["taskDefinition"]["volumes"][0]["efsVolumeConfiguration"],
        {"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}},
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
    ("ecs", lambda aws: aws.describe_tasks(cluster="web", tasks=[]), "InvalidParameterException", "Tasks cannot be empty."),
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
    ("ecs", lambda aws: aws.describe_task_definition(taskDefinition="odd"), "NotImplemented", "ProxyConfigurationProperties of Proxy"),
    ("elbv2", lambda aws: aws.describe_rules(RuleArns=[f"{RULE}3", DEFAULT_RULE + "x"]), "RuleNotFound", ""),
    ("elbv2", lambda aws: aws.describe_tags(ResourceArns=[DEFAULT_RULE + "x"]), "RuleNotFound", ""),
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
    assert (
        len(client("cloudwatch", cloudwatch().operations(), Made()).list_metrics()["Metrics"]) == 2
    )
