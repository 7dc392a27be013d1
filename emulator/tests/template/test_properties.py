"""Which properties of emulated types stop the start; names are those of the CloudFormation template
reference, as cfn-lint has its schemas."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pytest
from tests.rows import rows

from emulator.providers import Created, EmulatorError
from emulator.rehearsal.schemas import schema
from emulator.resource import Resource
from emulator.resource_types import EMULATED
from emulator.runtime.registry import Registry
from emulator.template import properties, rejected
from emulator.template.assembly import Assembly, Stack
from emulator.template.place import Place
from emulator.template.stage import Stage

TYPES = sorted(
    {each for provider in EMULATED for each in vars(provider)["types"]}
    - properties.CHECKED_BY_PROVIDER
)


def rejection(resource_type: str, given: Mapping[str, Any]) -> str:
    """The sentences of the error; empty where there is none."""
    return "; ".join(properties.unsupported(Resource("s", "Thing", resource_type), given))


def container(**given: Any) -> dict[str, Any]:
    return {"ContainerDefinitions": [given]}


def moves(*classes: str) -> dict[str, Any]:
    """Rules of a bucket that move objects after a month."""
    rules = [
        {"Status": "Enabled", "Transitions": [{"StorageClass": each, "TransitionInDays": 30}]}
        for each in classes
    ]
    return {"LifecycleConfiguration": {"Rules": rules}}


def first_factors(*names: str) -> dict[str, Any]:
    return {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": [*names]}}}


def names_of(resource_type: str, known: Collection[str]) -> set[str]:
    """What the schema lets a template set; what is inside of a property only where `known` has
    names in there."""
    whole = schema(resource_type)
    computed = {
        each.removeprefix("/properties/").replace("/", ".")
        for each in whole.get("readOnlyProperties", ())
    }

    def inside(path: str, at: Any) -> Iterator[str]:
        for name, inner in _members(whole, at).items():
            here = f"{path}.{name}" if path else name
            if any(each.startswith(f"{here}.") for each in known):
                yield from inside(here, inner)
            else:
                yield here

    return set(inside("", whole)) - computed - {"Tags"}


def _members(whole: Mapping[str, Any], at: Any) -> dict[str, Any]:
    while "$ref" in at or "items" in at:
        at = at["items"] if "items" in at else _resolved(whole, at["$ref"])
    forms = [at, *at.get("oneOf", ()), *at.get("anyOf", ())]
    forms = [_resolved(whole, each["$ref"]) if "$ref" in each else each for each in forms]
    return {name: inner for each in forms for name, inner in each.get("properties", {}).items()}


def _resolved(whole: Mapping[str, Any], pointer: str) -> Any:
    at: Any = whole
    for name in pointer.removeprefix("#/").split("/"):
        at = at[name]
    return at


@rows("resource_type", TYPES)
def test_each_property_is_read_or_without_effect_or_rejected_with_a_reason(
    resource_type: str,
) -> None:
    passed = {each.partition("=")[0] for each in properties.known(resource_type)}
    stopped = rejected.names(resource_type)
    assert passed & stopped == set()
    assert passed | stopped == names_of(resource_type, passed | stopped)


def test_the_reason_is_named() -> None:
    text = rejection("AWS::KMS::Key", {"MultiRegion": True})
    assert text.endswith(
        "MultiRegion is not supported: the emulator has one region and one account. Remove it"
    )


def test_what_is_neither_read_nor_without_effect_is_named_and_nothing_else() -> None:
    """A row for each: the type, what is given, and what the error names; empty for none."""
    prefix = "AWS::"
    rows: list[tuple[str, dict[str, Any], str]] = [
        ("SQS::Queue", {"QueueName": "q", "KmsMasterKeyId": "k", "Tags": [{"Key": "a"}]}, ""),
        ("SQS::Queue", {"Unknown": 1}, "Unknown"),
        ("SQS::Queue", {"Unknown": None, "Other": [], "Third": {"A": False}}, ""),
        ("Lambda::Function", {"Layers": ["arn:aws:lambda:us-east-1:1:layer:l:1"]}, "Layers"),
        ("Lambda::Function", {"FileSystemConfigs": [{"Arn": "a"}]}, "FileSystemConfigs"),
        ("Lambda::Function", {"SnapStart": {"ApplyOn": "None"}}, ""),
        (
            "Lambda::Function",
            {"SnapStart": {"ApplyOn": "PublishedVersions"}},
            "SnapStart.ApplyOn PublishedVersions",
        ),
        (
            "Lambda::Function",
            {"CodeSigningConfigArn": "arn", "Code": {"SourceKMSKeyArn": "arn"}},
            "",
        ),
        ("Lambda::Function", {"Code": {"ImageUri": "i"}}, "Code.ImageUri"),
        ("Lambda::Version", {"RuntimePolicy": {"UpdateRuntimeOn": "Manual"}}, "RuntimePolicy"),
        ("S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}}, "Versioning"),
        ("S3::Bucket", {"NotificationConfiguration": {"EventBridgeConfiguration": {}}}, ""),
        ("S3::Bucket", moves("STANDARD_IA", "ONEZONE_IA"), ""),
        ("S3::Bucket", moves("INTELLIGENT_TIERING", "GLACIER_IR"), ""),
        ("S3::Bucket", moves("GLACIER"), "LifecycleConfiguration.Rules.Transitions.StorageClass"),
        ("S3::Bucket", moves("DEEP_ARCHIVE"), "LifecycleConfiguration.Rules.Transitions.Storage"),
        (
            "S3::Bucket",
            {"CorsConfiguration": {"CorsRules": [{"Other": 1}]}},
            "CorsConfiguration.CorsRules.Other",
        ),
        ("ApiGatewayV2::Route", {"RouteKey": "a", "ApiKeyRequired": True}, "ApiKeyRequired"),
        ("ApiGatewayV2::Route", {"ApiKeyRequired": False, "RequestModels": {}}, ""),
        ("ApiGatewayV2::Route", {"RequestModels": {"application/json": "M"}}, "RequestModels"),
        ("ApiGatewayV2::Route", {"ModelSelectionExpression": "$m"}, "ModelSelectionExpression"),
        ("ApiGatewayV2::Stage", {"StageVariables": {"a": "b"}}, "StageVariables"),
        ("ApiGatewayV2::RouteResponse", {"ResponseParameters": {"a": {}}}, ""),
        (
            "ApiGatewayV2::RouteResponse",
            {"ResponseParameters": {"a": {"Required": True}}},
            "ResponseParameters",
        ),
        ("ApiGatewayV2::Authorizer", {"AuthorizerCredentialsArn": "arn"}, "AuthorizerCredentials"),
        ("ApiGatewayV2::Api", {"DisableExecuteApiEndpoint": True}, "DisableExecuteApiEndpoint"),
        ("ApiGatewayV2::Integration", {"ContentHandlingStrategy": "CONVERT_TO_TEXT"}, "Content"),
        ("ApiGatewayV2::Integration", {"IntegrationMethod": "POST"}, ""),
        ("ApiGatewayV2::Integration", {"IntegrationMethod": "GET"}, "IntegrationMethod GET"),
        ("Cognito::UserPool", {"LambdaConfig": {"PreSignUp": "arn"}}, "LambdaConfig"),
        ("Cognito::UserPool", {"MfaConfiguration": "OPTIONAL"}, "MfaConfiguration OPTIONAL"),
        ("Cognito::UserPool", {"MfaConfiguration": "OFF", "EnabledMfas": ["SMS_MFA"]}, ""),
        ("Cognito::UserPool", {"EmailAuthenticationMessage": "{####}"}, ""),
        ("Cognito::UserPool", {"UserPoolAddOns": {"AdvancedSecurityMode": "AUDIT"}}, ""),
        ("Cognito::UserPool", {"UserPoolAddOns": {"AdvancedSecurityMode": "ENFORCED"}}, "UserPool"),
        ("Cognito::UserPool", first_factors("PASSWORD"), ""),
        (
            "Cognito::UserPool",
            first_factors("PASSWORD", "EMAIL_OTP"),
            "Policies.SignInPolicy.AllowedFirstAuthFactors",
        ),
        (
            "Cognito::UserPoolClient",
            {
                "AuthSessionValidity": 3,
                "EnablePropagateAdditionalUserContextData": True,
                "AnalyticsConfiguration": {"ApplicationId": "a"},
            },
            "",
        ),
        ("Cognito::UserPoolClient", {"SupportedIdentityProviders": ["COGNITO"]}, ""),
        ("Cognito::UserPoolClient", {"SupportedIdentityProviders": ["COGNITO", "Google"]}, "Supp"),
        ("Cognito::UserPoolClient", {"ReadAttributes": ["email"]}, "ReadAttributes"),
        (
            "DynamoDB::GlobalTable",
            {
                "GlobalSecondaryIndexes": [
                    {
                        "ReadOnDemandThroughputSettings": {"MaxReadRequestUnits": 10},
                        "ReadProvisionedThroughputSettings": {"ReadCapacityUnits": 5},
                    }
                ],
                "Replicas": [
                    {
                        "DisassociationProtectionEnabled": True,
                        "GlobalTableSettingsReplicationMode": "ENABLED",
                    }
                ],
            },
            "",
        ),
        ("DynamoDB::Table", {"KinesisStreamSpecification": {"StreamArn": "a"}}, "KinesisStream"),
        (
            "DynamoDB::Table",
            {"StreamSpecification": {"StreamViewType": "KEYS_ONLY", "ResourcePolicy": {"a": 1}}},
            "StreamSpecification.ResourcePolicy",
        ),
        ("ECS::TaskDefinition", {"Volumes": [{"Name": "v"}]}, "Volumes"),
        ("ECS::TaskDefinition", {"Volumes": []}, ""),
        ("ECS::TaskDefinition", container(Secrets=[{"Name": "A"}]), "ContainerDefinitions.Secrets"),
        (
            "ECS::TaskDefinition",
            container(Image="i", HealthCheck={"Command": ["CMD"]}),
            "ContainerDefinitions.HealthCheck",
        ),
        ("ECS::Service", {"ServiceRegistries": [{"Port": 1}]}, "ServiceRegistries"),
        (
            "ECS::TaskDefinition",
            container(
                LinuxParameters={"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}},
                SystemControls=[{"Namespace": "net.core.somaxconn", "Value": "1"}],
                RepositoryCredentials={"CredentialsParameter": "arn"},
                Interactive=True,
                PseudoTerminal=True,
            ),
            "",
        ),
        (
            "ECS::TaskDefinition",
            container(LinuxParameters={"Tmpfs": [{"Size": 1}]}),
            "ContainerDefinitions.LinuxParameters.Tmpfs",
        ),
        ("ECS::Service", {"DeploymentController": {"Type": "CODE_DEPLOY"}}, ""),
        ("ECS::Service", {"DeploymentController": {"Type": "EXTERNAL"}}, "DeploymentController"),
        ("ECS::Service", {"SchedulingStrategy": "DAEMON"}, "SchedulingStrategy DAEMON"),
        ("KMS::Key", {"MultiRegion": True}, "MultiRegion"),
        ("KMS::Key", {"Origin": "EXTERNAL"}, "Origin EXTERNAL"),
        ("IAM::Policy", {"Users": ["ravi"]}, "Users"),
        ("Logs::LogGroup", {"DataProtectionPolicy": {"a": 1}}, "DataProtectionPolicy"),
        ("Logs::MetricFilter", {"ApplyOnTransformedLogs": "true"}, "ApplyOnTransformedLogs"),
        ("CloudWatch::Alarm", {"ActionsEnabled": "false", "Unit": "Count"}, ""),
        ("CloudWatch::Alarm", {"ThresholdMetricId": "e"}, ""),
        ("CloudWatch::Alarm", {"EvaluationInterval": 10}, "EvaluationInterval"),
        ("SNS::Topic", {"FifoThroughputScope": "Topic", "DeliveryStatusLogging": [{"a": 1}]}, ""),
        ("SNS::Topic", {"ArchivePolicy": {"MessageRetentionPeriod": "1"}}, "ArchivePolicy"),
        ("SecretsManager::Secret", {"ReplicaRegions": [{"Region": "eu-west-1"}]}, "ReplicaRegions"),
        ("ElasticLoadBalancingV2::TargetGroup", {"IpAddressType": "ipv6"}, "IpAddressType ipv6"),
        ("ApplicationAutoScaling::ScalableTarget", {"ScheduledActions": [{"a": 1}]}, "Scheduled"),
        (
            "CloudFront::Distribution",
            {
                "DistributionConfig": {
                    "Restrictions": {"GeoRestriction": {"Locations": ["DE"]}},
                    "DefaultCacheBehavior": {"RealtimeLogConfigArn": "arn"},
                    "CacheBehaviors": [{"RealtimeLogConfigArn": "arn"}],
                }
            },
            "",
        ),
        (
            "CloudFront::Distribution",
            {"DistributionConfig": {"Origins": [{"OriginPath": "/v1"}]}},
            "DistributionConfig.Origins.OriginPath",
        ),
    ]
    wrong = [
        (kind, given, error)
        for kind, given, named in rows
        for error in [rejection(prefix + kind, given)]
        if bool(error) != bool(named) or not error.partition(" in stack s: ")[2].startswith(named)
    ]
    assert wrong == []


class Made:
    """Makes topics, buckets and custom resources, and keeps their logical ids."""

    types = ("AWS::CloudFormation::CustomResource", "AWS::S3::Bucket", "AWS::SNS::Topic")

    def __init__(self) -> None:
        self.names: list[str] = []

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        self.names.append(resource.logical_id)
        return Created("")


def start(made: Made, template: Mapping[str, Any]) -> None:
    stage = Stage(Assembly((Stack("s", template),)), Place())
    asyncio.run(Registry([made]).create_all(stage))


def test_all_of_them_stop_the_start_before_anything_is_made() -> None:
    bell, horn = {"DataProtectionPolicy": {"a": 1}, "ArchivePolicy": {"b": 1}}, {"Other": [1]}
    after = {"Type": "AWS::SNS::Topic", "DependsOn": "Seed"}
    resources = {
        "Seed": {"Type": "Custom::Seed", "Properties": {"ServiceToken": "f"}},
        "Bell": {**after, "Properties": bell},
        "Horn": {**after, "Properties": {"Subscription": [{"Ref": "Seed"}], **horn}},
        "Bus": {"Type": "AWS::Events::EventBus"},
    }
    made = Made()
    with pytest.raises(EmulatorError) as caught:
        start(made, {"Resources": resources})
    text = str(caught.value)
    for named in ("Bell in stack s: DataProtectionPolicy", "s: ArchivePolicy", "s: Other", "Bus"):
        assert named in text
    assert made.names == []


def test_a_value_that_is_not_known_yet_is_checked_when_the_resource_is_to_be_made() -> None:
    """Of each: the value, and whether it stops the start."""
    rows: list[tuple[Any, bool]] = [
        ({"Ref": "AWS::NoValue"}, False),
        ({"Ref": "Empty"}, False),
        ({"Fn::If": ["Never", {"a": 1}, {"Ref": "AWS::NoValue"}]}, False),
        ({"Fn::If": ["Never", {"Ref": "AWS::NoValue"}, {"a": 1}]}, True),
        ([{"Fn::Sub": "${Empty}"}], False),
        ([{"Fn::GetAtt": ["Store", "Arn"]}], True),
    ]
    found = []
    for value, _ in rows:
        template = {
            "Parameters": {"Empty": {"Type": "String", "Default": ""}},
            "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
            "Resources": {
                "Bell": {"Type": "AWS::SNS::Topic", "Properties": {"ArchivePolicy": value}},
                "Store": {"Type": "AWS::CertificateManager::Certificate"},
            },
        }
        made = Made()
        try:
            start(made, template)
        except EmulatorError as error:
            assert "ArchivePolicy is not supported" in str(error)
        found.append((value, made.names == []))
    assert found == rows
