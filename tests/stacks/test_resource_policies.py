"""Resource policies: each replaces AWS's default one, so it grants all that is needed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from stacks.config.environments import DEV, STAGING, Environment
from tests.stacks.shared_environments import EVERYTHING
from tests.stacks.synthesized import Resource, Synthesize, Synthesized

# type of a policy -> where the resource's own default allows something that a Deny alone takes away
POLICIES = {
    # all of the account, CloudWatch's alarms among them, may publish
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    "AWS::SNS::TopicPolicy": True,
    # none; within the account identities' policies are enough, and all callers here are identities
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    "AWS::SQS::QueuePolicy": False,
    "AWS::S3::BucketPolicy": False,
}


def watched(config: Environment) -> Environment:
    balancer = replace(config.load_balancer, access_logs=True, ip_hash=True)
    return replace(config, alarms_email="ops@example.com", load_balancer=balancer)


CONFIGS = [
    *(pytest.param(watched(each), id=each.name, marks=pytest.mark.deep) for each in (DEV, STAGING)),
    pytest.param(EVERYTHING, id="prod"),
]


@pytest.fixture(params=CONFIGS)
def environment(request: pytest.FixtureRequest, synthesize: Synthesize) -> Synthesized:
    return synthesize(request.param)


def test_every_policy_of_a_resource_is_of_a_known_type(environment: Synthesized) -> None:
    found = {
        each.type
        for each in environment.resources
        if each.type.endswith(("Policy", "Policies", "PolicyAttachment"))
    }
    assert found == {*POLICIES, "AWS::IAM::Policy", "AWS::ApplicationAutoScaling::ScalingPolicy"}


def test_where_the_default_allowed_something_the_policy_does(environment: Synthesized) -> None:
    for type, allowed in POLICIES.items():
        for policy in environment.all(type):
            effects = {each["Effect"] for each in _statements(policy)}
            assert "Deny" in effects  # plain HTTP
            if allowed:
                assert "Allow" in effects, policy.logical_id


def test_every_topic_that_an_alarm_calls_lets_cloudwatch_publish(environment: Synthesized) -> None:
    """The account's own alarms only: the principal is the same for those of all accounts."""
    called = {
        environment.show(action)
        for type in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for alarm in environment.all(type)
        for name in ("AlarmActions", "OKActions", "InsufficientDataActions")
        for action in alarm.properties.get(name, [])
    }
    assert called == {"<AlarmTopic>"}
    for topic in called:
        (allowed,) = (
            each
            for policy in environment.all("AWS::SNS::TopicPolicy")
            for each in _statements(policy)
            if each["Effect"] == "Allow" and environment.show(each["Resource"]) == topic
        )
        assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert allowed["Action"] == "sns:Publish"
        conditions = allowed["Condition"]
        account = {"Ref": "AWS::AccountId"}
        assert conditions["StringEquals"] == {"aws:SourceAccount": account}
        source = environment.show(conditions["ArnLike"]["aws:SourceArn"])
        assert source == ("arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:*")


def test_a_topic_is_encrypted_by_no_key_that_cloudwatch_may_not_use(
    environment: Synthesized,
) -> None:
    for topic in environment.all("AWS::SNS::Topic"):
        assert "KmsMasterKeyId" not in topic.properties


def test_the_log_bucket_takes_what_its_load_balancer_delivers(environment: Synthesized) -> None:
    policy = environment.one("AWS::S3::BucketPolicy", "LoadBalancer")
    (allowed,) = (each for each in _statements(policy) if each["Effect"] == "Allow")
    assert allowed["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert allowed["Action"] == "s3:PutObject"


def test_a_key_stays_in_the_hands_of_its_account(environment: Synthesized) -> None:
    """Without this statement no policy of the account's identities would count, nor could anyone
    change the key (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
    """
    for key in environment.all("AWS::KMS::Key"):
        first = key.properties["KeyPolicy"]["Statement"][0]
        assert (first["Effect"], first["Action"], first["Resource"]) == ("Allow", "kms:*", "*")
        root = environment.show(first["Principal"]["AWS"])
        assert root == "arn:<AWS::Partition>:iam::<AWS::AccountId>:root"


def _statements(policy: Resource) -> Iterator[Mapping[str, Any]]:
    yield from policy.properties["PolicyDocument"]["Statement"]
