"""The alarms of the load balancers, and of what they forward to: pools, and tasks with sockets."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_elasticloadbalancingv2 as elb

from stacks.constructs.kubernetes_pool import TargetPool
from stacks.constructs.network_balancer import NetworkBalancer
from stacks.constructs.socket_service import SocketService
from stacks.monitoring.causes import Causes
from stacks.monitoring.metrics import of_group
from stacks.monitoring.symptoms import Symptom

MINUTE = Duration.minutes(1)
HELD_SHARE = 0.9  # of the sockets that a task takes; autoscaling aims at less
LATE_MILLISECONDS = 500
FAILED_POSTS = 10


class BalancerAlarms(Causes):
    def on_web(
        self, balancer: elb.ApplicationLoadBalancer, pools: Mapping[str, TargetPool]
    ) -> None:
        self._alarm(
            "Balancer5xx",
            balancer.metrics.http_code_elb(elb.HttpCodeElb.ELB_5XX_COUNT),
            "The load balancer itself returns 5xx: no target, or a target broke off",
            Symptom.API,
            runbook="balancer-5xx",
            datapoints=2,
        )
        self._alarm(
            "Target5xx",
            balancer.metrics.http_code_target(elb.HttpCodeTarget.TARGET_5XX_COUNT),
            "The API returns 5xx",
            Symptom.API,
            runbook="target-5xx",
            datapoints=2,
        )
        self._alarm(
            "RejectedConnections",
            balancer.metrics.rejected_connection_count(),
            "The load balancer has as many connections as it takes, and rejects more",
            Symptom.API,
            runbook="rejected-connections",
        )
        for name, pool in pools.items():
            self._on_targets(name, pool, balancer, Symptom.API)

    def _on_targets(
        self,
        name: str,
        pool: TargetPool | SocketService,
        balancer: elb.ApplicationLoadBalancer,
        symptom: Symptom,
    ) -> None:
        group = pool.target_group
        unhealthy = group.metrics.unhealthy_host_count(statistic="Maximum", period=MINUTE)
        self._alarm(
            f"{name}Unhealthy",
            of_group(unhealthy, group, balancer),
            f"Targets of the pool {name} fail their health checks",
            symptom,
            runbook="unhealthy-targets",
            datapoints=3,
        )
        healthy = group.metrics.healthy_host_count(statistic="Minimum", period=MINUTE)
        self._alarm(
            f"{name}Tasks",
            of_group(healthy, group, balancer),
            f"The pool {name} has fewer healthy tasks than its minimum of {pool.pool.min}",
            symptom,
            runbook="too-few-tasks",
            threshold=pool.pool.min,
            datapoints=10,  # a deployment or a replaced task takes minutes
            below=True,
        )

    def on_sockets(self, sockets: SocketService, balancer: elb.ApplicationLoadBalancer) -> None:
        """Where tasks hold the sockets: these are what API Gateway's alarms are elsewhere."""
        self._on_targets("Sockets", sockets, balancer, Symptom.CHAT)
        most = sockets.pool.connections
        self._alarm(
            "SocketsHeld",
            sockets.metric("ConnectionsHeld", "Maximum"),
            f"A task holds {HELD_SHARE:.0%} of the {most} sockets that it takes",
            Symptom.CHAT,
            runbook="sockets",
            threshold=HELD_SHARE * most,
            datapoints=3,
        )
        self._alarm(
            "SocketsLate",
            sockets.metric("LoopLag", "Maximum"),
            f"A task serves its sockets {LATE_MILLISECONDS} ms late: it has too little CPU",
            Symptom.CHAT,
            runbook="sockets",
            threshold=LATE_MILLISECONDS,
            datapoints=3,
        )
        self._alarm(
            "PostsFailed",
            sockets.metric("PostsFailed", "Sum"),
            f"Each minute {FAILED_POSTS} posts or more fail: a task does not respond, or clients "
            "read too slowly",
            Symptom.CHAT,
            runbook="sockets",
            threshold=FAILED_POSTS,
            datapoints=3,
        )

    def on_network_balancer(self, balancer: NetworkBalancer) -> None:
        group = balancer.target_group
        unhealthy = group.metrics.un_healthy_host_count(statistic="Maximum", period=MINUTE)
        self._alarm(
            "NetworkUnhealthy",
            of_group(unhealthy, group, balancer.balancer),
            "Targets fail the health checks of the Network Load Balancer",
            Symptom.API,
            runbook="unhealthy-targets",
            datapoints=3,
        )
