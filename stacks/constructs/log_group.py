"""A log group that keeps what the environment says and goes when the environment goes."""

from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.retention import removal_policy


def log_group(scope: Construct, id: str, config: Environment) -> logs.LogGroup:
    group = logs.LogGroup(scope, id, removal_policy=removal_policy(config))
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - for the type checker
    resource.retention_in_days = config.log_retention_days
    return group
