"""The bucket of files: nobody gets in but by signature, and nothing outlives the messages."""

from dataclasses import replace

import pytest

from stacks.config.environments import DEV, ENVIRONMENTS, Environment
from tests.stacks.complete import CERTIFICATE
from tests.stacks.shared_environments import CHANGED_DEV, with_domain
from tests.stacks.synthesized import Resource, Synthesize, Synthesized


def bucket(environment: Synthesized) -> Resource:
    return environment.one("AWS::S3::Bucket", "Files")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_it_is_private_encrypted_and_reached_by_tls_only(synthesize: Synthesize, name: str) -> None:
    environment = synthesize(ENVIRONMENTS[name])
    properties = bucket(environment).properties
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert "VersioningConfiguration" not in properties
    policy = environment.one("AWS::S3::BucketPolicy", "Files").properties["PolicyDocument"]
    (denied,) = policy["Statement"]
    assert (denied["Effect"], denied["Action"]) == ("Deny", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    "config",
    [
        DEV,
        CHANGED_DEV,
        pytest.param(replace(DEV, message_ttl_days=1), marks=pytest.mark.deep),
    ],
    ids=lambda config: str(config.message_ttl_days),
)
def test_files_live_as_long_as_messages(synthesize: Synthesize, config: Environment) -> None:
    environment = synthesize(config)
    days = config.message_ttl_days
    (rule,) = bucket(environment).properties["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", days)
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert not {"Prefix", "TagFilters", "ObjectSizeGreaterThan"} & set(rule)  # it is for all


@pytest.mark.parametrize(
    ("domain", "origin"), [(None, "*"), ("api.example.com", "https://api.example.com")]
)
def test_pages_of_the_domain_may_use_what_they_are_given(
    synthesize: Synthesize, domain: str | None, origin: str
) -> None:
    config = with_domain(CERTIFICATE) if domain else DEV
    (rule,) = bucket(synthesize(config)).properties["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == [origin]
    assert rule["AllowedMethods"] == ["GET", "POST"]


def test_only_the_api_may_sign_and_both_its_kinds_of_pool_know_the_bucket(
    prod: Synthesized,
) -> None:
    variables = prod.function("ApiFunction").properties["Environment"]["Variables"]
    assert prod.show(variables["FILES_BUCKET"]) == "<FilesBucket>"
    assert prod.show(variables["FILES_URL"]) == "https://<FilesBucket.RegionalDomainName>"
    for role in prod.all("AWS::IAM::Role"):
        actions = {
            action
            for allowed in prod.grants(role.logical_id).values()
            for action in allowed
            if action.startswith("s3:")
        }
        signs = "Api" in role.logical_id or "TaskTaskRole" in role.logical_id
        assert actions == ({"s3:PutObject", "s3:GetObject"} if signs else set()), role
