"""Metrics of target groups, with dimensions that another stack can read."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb

Group = elb.ApplicationTargetGroup | elb.NetworkTargetGroup
Balancer = elb.ApplicationLoadBalancer | elb.NetworkLoadBalancer


def of_group(metric: cloudwatch.Metric, group: Group, balancer: Balancer) -> cloudwatch.Metric:
    """`metric` of `group`, with the balancer's name taken from the balancer.

    CDK takes it from the listener's ARN, which it splits, and Fn::Split does not accept
    Fn::GetStackOutput, by which another stack reads:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-split.html
    """
    return metric.with_(
        dimensions_map={
            "TargetGroup": group.target_group_full_name,
            "LoadBalancer": balancer.load_balancer_full_name,
        }
    )
