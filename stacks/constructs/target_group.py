"""The target group of a pool of tasks or pods.

Every attribute of a setting is written, also with its default: CloudFormation does not reset an
attribute that leaves the template. Anomaly mitigation is the exception, since only one algorithm
has it.
"""

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.config.load_balancer import LoadBalancer
from stacks.config.target_groups import HealthCheck, MinimumHealthyTargets

PORT = 8080
# Seconds by which a task keeps an idle connection longer than the Application Load Balancer does:
# the side that reuses connections has to be the one that closes them, or it reuses one that is
# just being closed, and the client gets 502.
KEEP_ALIVE_MARGIN = 15
ALGORITHMS = {
    "round_robin": elb.TargetGroupLoadBalancingAlgorithmType.ROUND_ROBIN,
    "least_outstanding_requests": (
        elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS
    ),
    "weighted_random": elb.TargetGroupLoadBalancingAlgorithmType.WEIGHTED_RANDOM,
}


def keep_alive(settings: LoadBalancer) -> int:
    """Seconds that a target keeps an idle connection."""
    return settings.idle_timeout + KEEP_ALIVE_MARGIN


def target_group(
    scope: Construct, settings: LoadBalancer, vpc: ec2.IVpc
) -> elb.ApplicationTargetGroup:
    """The target group "TargetGroup" of a pool's tasks, which are registered by IP address."""
    group = elb.ApplicationTargetGroup(
        scope,
        "TargetGroup",
        vpc=vpc,
        target_type=elb.TargetType.IP,
        protocol=elb.ApplicationProtocol.HTTP,
        port=PORT,
        load_balancing_algorithm_type=ALGORITHMS[settings.meaning.target_algorithm],
        enable_anomaly_mitigation=_anomaly_mitigation(settings),
        deregistration_delay=Duration.seconds(settings.deregistration_delay),
        stickiness_cookie_duration=_sticky_target(settings),
        stickiness_cookie_name=settings.stickiness.cookie_name or None,
        health_check=elb_health_check(settings.health_check),
    )
    # not by CDK's property, which rejects 0 with weighted_random
    group.set_attribute("slow_start.duration_seconds", str(settings.slow_start))
    for key, value in minimum_healthy_attributes(settings.minimum_healthy_targets).items():
        group.set_attribute(key, value)
    return group


def elb_health_check(check: HealthCheck, protocol: elb.Protocol | None = None) -> elb.HealthCheck:
    """`protocol` if it differs from the target group's."""
    return elb.HealthCheck(
        protocol=protocol,
        path=check.path,
        interval=Duration.seconds(check.interval),
        timeout=Duration.seconds(check.timeout),
        healthy_threshold_count=check.healthy_threshold,
        unhealthy_threshold_count=check.unhealthy_threshold,
        # a Network Load Balancer accepts 200 to 399 by default
        healthy_http_codes="200" if protocol else None,
    )


def minimum_healthy_attributes(minimum: MinimumHealthyTargets) -> dict[str, str]:
    """The attributes of a target group: CDK's own property can't turn a minimum off."""
    return {
        f"target_group_health.{action}.minimum_healthy_targets.{kind}": str(value or "off")
        for action, kind, value in (
            ("unhealthy_state_routing", "count", minimum.count),
            ("unhealthy_state_routing", "percentage", minimum.percentage),
            ("dns_failover", "count", minimum.dns_count),
            ("dns_failover", "percentage", minimum.dns_percentage),
        )
    }


def _anomaly_mitigation(settings: LoadBalancer) -> bool | None:
    """None, which writes no attribute, except for weighted_random.

    It is "only available when load_balancing.algorithm.type is weighted_random":
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
    """
    random = settings.meaning.target_algorithm == "weighted_random"
    return settings.anomaly_mitigation if random else None


def _sticky_target(settings: LoadBalancer) -> Duration | None:
    stickiness = settings.stickiness
    if stickiness.kind in ("lb_cookie", "app_cookie"):
        return Duration.seconds(stickiness.duration)
    return None
