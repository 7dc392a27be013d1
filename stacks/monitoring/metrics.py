"""Metrics that alarms and the dashboard share: of target groups, and of our own namespace.

The latter are printed by functions, or made of logs by metric filters.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb

from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS, SOCKET_FUNCTIONS
from stacks.constructs.function import metrics_namespace
from stacks.constructs.push_feedback import DIMENSION

Group = elb.ApplicationTargetGroup | elb.NetworkTargetGroup
Balancer = elb.ApplicationLoadBalancer | elb.NetworkLoadBalancer


def logged(
    config: Environment,
    name: str,
    status: str | None = None,
    label: str | None = None,
    period: Duration | None = None,
) -> cloudwatch.Metric:
    """What a filter counts in logs: of one status of a platform, or all."""
    return cloudwatch.Metric(
        namespace=metrics_namespace(config),
        metric_name=name,
        dimensions_map=None if status is None else {DIMENSION: status},
        statistic="Sum",
        period=period or Duration.minutes(5),
        label=label,
    )


def time_of(
    config: Environment, function: str, name: str, statistic: str, label: str | None = None
) -> cloudwatch.Metric:
    """A duration in milliseconds. What tasks run for a function has their service."""
    in_tasks = config.websocket.in_containers and function in SOCKET_FUNCTIONS
    return cloudwatch.Metric(
        namespace=metrics_namespace(config),
        metric_name=name,
        dimensions_map={"service": "sockets" if in_tasks else FUNCTIONS[function].service},
        statistic=statistic,
        period=Duration.minutes(5),
        label=label,
    )


def of_group(metric: cloudwatch.Metric, group: Group, balancer: Balancer) -> cloudwatch.Metric:
    """`metric` of `group`, with dimensions that another stack can read.

    The balancer's name is taken from the balancer. CDK takes it from the listener's ARN, which it
    splits, and Fn::Split does not accept Fn::GetStackOutput, by which another stack reads:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-split.html
    """
    return metric.with_(
        dimensions_map={
            "TargetGroup": group.target_group_full_name,
            "LoadBalancer": balancer.load_balancer_full_name,
        }
    )
