"""Names that are fixed, which CloudFormation would otherwise make: where, why, and how far unique.

A resource with a fixed name can't be replaced, since the new one is made before the old one goes:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

from dataclasses import dataclass, replace

import pytest

from stacks.config.environments import Environment
from tests.stacks.shared_environments import EVERYTHING
from tests.stacks.synthesized import Resource, Synthesize

PLACED = replace(EVERYTHING, account="123456789012", region="eu-west-1")


@dataclass(frozen=True)
class Fixed:
    """`per` is where it has to be unique; `within` a resource that has it to itself."""

    name: str
    per: str


# type -> its fixed name. None of them is ever replaced: see each.
FIXED = {
    # The body changes in place. Two regions of an account see each other's.
    "AWS::CloudWatch::Dashboard": Fixed("switchboard-prod-{region}", "account"),
    # CDK's own name would be the same for two projects of an account. The rule changes in place.
    "AWS::CloudWatch::CompositeAlarm": Fixed("switchboard-prod-{symptom}", "region"),
    # points to the key that has the id which never changes
    "AWS::KMS::Alias": Fixed("alias/switchboard-prod", "region"),
    # The Lambda pool's; others have none. Its permission names it. With releases.shifting, which is
    # what replaces it, it has another name.
    "AWS::ElasticLoadBalancingV2::TargetGroup": Fixed("switchboard-prod-live", "region"),
    # CDK's own name would be the same for two projects. Another key, another name.
    "AWS::Backup::BackupVault": Fixed("switchboard-prod-own-key", "region"),
    # The operator's, who calls it by this name: no other property that would replace it is set.
    "AWS::Lambda::Function": Fixed("switchboard-prod-operator", "region"),
    # SNS's names for what it logs of the environment's platform applications
    "AWS::Logs::LogGroup": Fixed("sns/{region}/{account}/app/{application}", "region"),
    # of a function that has it to itself; it moves to the new version in place
    "AWS::Lambda::Alias": Fixed("live", "function"),
    # a label: two APIs may have the same
    "AWS::ApiGatewayV2::Api": Fixed("switchboard-prod", "nothing"),
    "AWS::ApiGatewayV2::Authorizer": Fixed("Authorizer", "api"),
    "AWS::ApiGatewayV2::Stage": Fixed("prod", "api"),
    # named by its load balancers and its scaling, as CDK does
    "AWS::ApplicationAutoScaling::ScalingPolicy": Fixed("", "target"),
}
# what holds a resource's own name, and not that of one it refers to
NAMES = {
    "AWS::Backup::BackupVault": "BackupVaultName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::ApiGatewayV2::Stage": "StageName",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "PolicyName",
    "AWS::Cognito::UserPool": "UserPoolName",
    "AWS::Cognito::UserPoolClient": "ClientName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
}


def name_of(resource: Resource) -> object:
    return resource.properties.get(NAMES.get(resource.type, "Name"))


@pytest.mark.parametrize(
    ("config", "region"),
    [
        (EVERYTHING, "<AWS::Region>"),
        pytest.param(PLACED, "eu-west-1", marks=pytest.mark.deep),
    ],
)
def test_no_name_is_fixed_but_these(
    synthesize: Synthesize, config: Environment, region: str
) -> None:
    environment = synthesize(config)
    named = [each for each in environment.resources if name_of(each) is not None]
    assert {each.type for each in named} == FIXED.keys()
    for resource in named:
        fixed = FIXED[resource.type]
        if fixed.per != "target":
            symptom = resource.name.removeprefix("Alarms").lower()
            shown = environment.show(name_of(resource))
            account, application = [*shown.split("/"), "", "", ""][2], shown.partition("/app/")[2]
            expected = fixed.name.format(
                region=region, symptom=symptom, account=account, application=application
            )
            assert application == "" or "/switchboard-prod-" in application
            assert environment.show(name_of(resource)) == expected, resource.logical_id
        # a second region of the environment in the same account must not collide
        assert "{region}" in fixed.name or fixed.per != "account"
