"""Removal policies, and log groups with the environment's retention."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.config.environments import Environment


def removal_policy(config: Environment) -> RemovalPolicy:
    """For everything that holds data: retained where the environment has `retain`, else deleted.

    Retained is written as RetainExceptOnCreate: a resource is deleted when the deployment that
    created it is rolled back, so that a failed first deployment leaves nothing behind and can be
    repeated. UpdateReplacePolicy has no such value and is Retain.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html
    """
    if config.retain:
        return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
    return RemovalPolicy.DESTROY


def log_group(scope: Construct, id: str, config: Environment) -> logs.LogGroup:
    """A log group that keeps records for the environment's retention."""
    group = logs.LogGroup(scope, id, removal_policy=removal_policy(config))
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - for the type checker
    resource.retention_in_days = config.log_retention_days
    return group
