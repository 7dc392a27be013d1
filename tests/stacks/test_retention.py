"""Deletion of stacks: in prod it deletes nothing that holds data, elsewhere everything."""

from dataclasses import replace

import pytest

from stacks.config.environments import DEV, PROD, Environment
from stacks.config.overrides import environment_from
from tests.stacks.complete import complete
from tests.stacks.shared_environments import EVERYTHING
from tests.stacks.synthesized import Synthesize, Synthesized

# (DeletionPolicy, UpdateReplacePolicy). The first keeps a resource, but lets the deployment that
# created it take it back when it fails; there is no such value for UpdateReplacePolicy.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
DATA = ("RetainExceptOnCreate", "Retain")
ALWAYS = ("Retain", "Retain")
NEVER = ("Delete", "Delete")
# In prod with all it can have; every type that is not here has the default, which is to delete.
KEPT = {
    "AWS::DynamoDB::Table": DATA,
    "AWS::Cognito::UserPool": DATA,
    "AWS::KMS::Key": DATA,
    "AWS::SecretsManager::Secret": DATA,
    "AWS::Logs::LogGroup": DATA,
    "AWS::Backup::BackupVault": DATA,
    # They have SNS's names, so a stack that is made anew could not make them a second time.
    "AWS::Logs::LogGroup Feedback": NEVER,
    # An earlier stack's, perhaps, with the endpoint of every device.
    "Custom::PlatformApplications": ALWAYS,
    # What a rollback could not delete: it has the load balancer's test file from the first minute.
    "AWS::S3::Bucket AccessLogs": ALWAYS,
    # What S3 would not delete with a file in it; its lifecycle empties it.
    "AWS::S3::Bucket Files": DATA,
    # One setting of the account, and the role it names: other APIs may have come to log with it,
    # and CloudFormation does not take it back.
    "AWS::ApiGateway::Account": ALWAYS,
    "AWS::IAM::Role AccountLogRole": ALWAYS,
}
# Kept in every environment: the template says so whatever `retain` is.
EVERYWHERE = {
    kind: KEPT[kind]
    for kind in (
        "AWS::S3::Bucket AccessLogs",
        "AWS::S3::Bucket Files",
        "AWS::ApiGateway::Account",
        "AWS::IAM::Role AccountLogRole",
    )
}
# An id that changes is a new, empty resource beside the old one: these never change again.
IDS = {
    "AWS::DynamoDB::Table": {"ChatsE68037FF", "Users0A0EEA89", "Tickets83B11BB2"},
    "AWS::S3::Bucket": {"FilesBucket7C17EE2E", "LoadBalancerAccessLogsBucket38E275E7"},
    "AWS::Cognito::UserPool": {"UserPool6BA7E5F2"},
    "AWS::KMS::Key": {"Key961B73FD", "WebPushKey78B611EE"},
    "Custom::PlatformApplications": {"PlatformsApplicationsBE047193"},
}
PROTECTED = environment_from(complete("prod", deletion_protection=True))


def policies(environment: Synthesized) -> dict[str, tuple[str, str]]:
    """By type, and by type and name where KEPT has one; each kind has one pair of policies."""
    found: dict[str, tuple[str, str]] = {}
    for resource in environment.resources:
        named = [kind for kind in KEPT if kind.startswith(f"{resource.type} ")]
        kind = next((kind for kind in named if kind.split()[1] in resource.name), resource.type)
        pair = (
            resource.body.get("DeletionPolicy", "Delete"),
            resource.body.get("UpdateReplacePolicy", "Delete"),
        )
        assert found.setdefault(kind, pair) == pair, resource
    return found


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        (EVERYTHING, KEPT),
        (DEV, EVERYWHERE),
        pytest.param(replace(EVERYTHING, retain=False), EVERYWHERE, marks=pytest.mark.deep),
    ],
    ids=["prod", "dev", "prod that lets go"],
)
def test_what_is_kept_and_what_is_not(
    synthesize: Synthesize, config: Environment, kept: dict[str, tuple[str, str]]
) -> None:
    found = policies(synthesize(config))
    assert {kind: pair for kind, pair in found.items() if pair != NEVER} == {
        kind: pair for kind, pair in kept.items() if kind in found and pair != NEVER
    }
    assert found.keys() >= KEPT.keys() or config == DEV


def test_no_other_condition_than_retain_decides_what_is_kept(
    synthesize: Synthesize, prod: Synthesized
) -> None:
    protected = synthesize(PROTECTED)
    assert policies(protected) == policies(prod)


@pytest.mark.parametrize("type", IDS)
def test_the_ids_of_what_holds_data_never_change(prod: Synthesized, type: str) -> None:
    assert {resource.logical_id for resource in prod.all(type)} == IDS[type]


def test_in_prod_tables_are_backed_up_and_encrypted_by_our_key(prod: Synthesized) -> None:
    for table in prod.all("AWS::DynamoDB::Table"):
        properties = table.properties
        recovery = properties["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is True
        assert prod.show(properties["SSESpecification"]["KMSMasterKeyId"]) == "<Key.Arn>"
    (key,) = (each for each in prod.all("AWS::KMS::Key") if each.name == "Key")
    assert key.properties["EnableKeyRotation"] is True


@pytest.mark.xdist_group("synthesis")
@pytest.mark.parametrize(
    ("retain", "deletion_protection"), [(False, False), (True, False), (True, True)]
)
def test_stacks_are_protected_with_all_else_and_not_before_the_first_deployment_stands(
    retain: bool, deletion_protection: bool
) -> None:
    """A stack whose creation failed has to be deleted before it can be made again:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """
    from aws_cdk import App

    from stacks.stack import EnvironmentStack

    config = replace(PROD, retain=retain, deletion_protection=deletion_protection)
    stack = EnvironmentStack(App(), "Data", config=config, description="")
    assert stack.termination_protection is deletion_protection
