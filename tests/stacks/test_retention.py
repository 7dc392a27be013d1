"""What a deletion takes with it: in prod nothing that holds data, elsewhere everything."""

import pytest

from stacks.config import PROD
from stacks.context import environment_from
from tests.stacks.complete import complete
from tests.stacks.synthesized import Synthesize, Synthesized

STATEFUL = (
    "AWS::DynamoDB::Table",
    "AWS::Cognito::UserPool",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
    "Custom::PlatformApplications",
    "AWS::Logs::LogGroup",
)
# An id that changes is a new, empty resource beside the old one: these never change again.
IDS = {
    "AWS::DynamoDB::Table": {"ChatsE68037FF", "Users0A0EEA89", "Tickets83B11BB2"},
    "AWS::Cognito::UserPool": {"UserPool6BA7E5F2"},
    "AWS::KMS::Key": {"Key961B73FD"},
    "Custom::PlatformApplications": {"PlatformsApplicationsBE047193"},
}


@pytest.mark.parametrize("type", STATEFUL)
def test_in_prod_what_holds_data_stays(prod: Synthesized, type: str) -> None:
    resources = prod.all(type)
    assert resources
    for resource in resources:
        assert resource.body["DeletionPolicy"] == "Retain", resource.logical_id
        assert resource.body["UpdateReplacePolicy"] == "Retain", resource.logical_id


@pytest.mark.parametrize("type", IDS)
def test_the_ids_of_what_holds_data_never_change(prod: Synthesized, type: str) -> None:
    assert {resource.logical_id for resource in prod.all(type)} == IDS[type]


def test_in_prod_tables_and_users_are_protected_backed_up_and_encrypted_by_our_key(
    prod: Synthesized,
) -> None:
    for table in prod.all("AWS::DynamoDB::Table"):
        properties = table.properties
        assert properties["DeletionProtectionEnabled"] is True
        recovery = properties["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is True
        assert prod.show(properties["SSESpecification"]["KMSMasterKeyId"]) == "<Key.Arn>"
    assert prod.one("AWS::Cognito::UserPool").properties["DeletionProtection"] == "ACTIVE"
    assert prod.one("AWS::KMS::Key").properties["EnableKeyRotation"] is True


def test_dev_goes_without_a_trace(dev: Synthesized) -> None:
    kept = {
        resource.type
        for resource in dev.resources
        if resource.body.get("DeletionPolicy", "Delete") != "Delete"
    }
    # one setting of the account, which other APIs may have come to use
    assert kept == {"AWS::ApiGateway::Account", "AWS::IAM::Role"}


def test_a_retaining_environment_can_be_told_to_let_go(synthesize: Synthesize) -> None:
    config = environment_from(complete("prod", retain="false"))
    assert PROD.retain
    for table in synthesize(config).all("AWS::DynamoDB::Table"):
        assert table.body["DeletionPolicy"] == "Delete"
        assert table.properties["DeletionProtectionEnabled"] is False
