"""A container pool: a Fargate service, its target group and its autoscaling.

Every attribute of a setting is written, also with its default: CloudFormation does not reset an
attribute that leaves the template. Anomaly mitigation is the exception, since only one algorithm
has it.
"""

from collections.abc import Mapping

from aws_cdk import Duration, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.load_balancer import LoadBalancer
from stacks.config.permissions import PERMISSIONS
from stacks.config.pools import ContainerPool
from stacks.config.target_groups import HealthCheck, MinimumHealthyTargets
from stacks.constructs.function import variables
from stacks.constructs.grants import Resources, statements
from stacks.constructs.retention import log_group

CONTAINER = "api"
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
ARCHITECTURES = {
    "arm64": ecs.CpuArchitecture.ARM64,
    "x86_64": ecs.CpuArchitecture.X86_64,
}


class ContainerPoolService(Construct):
    """The service of one pool. `values` are those of the Api function's variables."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        pool: ContainerPool,
        cluster: ecs.ICluster,
        image: ecs.ContainerImage,
        values: Mapping[str, str],
        resources: Resources,
    ) -> None:
        super().__init__(scope, id)
        self._config = config
        self.pool = pool
        self.keep_alive = config.load_balancer.idle_timeout + KEEP_ALIVE_MARGIN  # seconds
        task = self._task(image, values)
        for statement in statements(PERMISSIONS["Api"], resources):
            task.add_to_task_role_policy(statement)
        self.service = self._service(cluster, task)
        self.target_group = self._target_group(cluster.vpc)
        self.target_group.add_target(self.target())
        for resource in (self.service, self.target_group):
            Tags.of(resource).add("pool", pool.name)

    def target(self) -> ecs.IEcsLoadBalancerTarget:
        """The service's tasks, as a target group registers them."""
        return self.service.load_balancer_target(container_name=CONTAINER, container_port=PORT)

    def scale(self) -> None:
        """To be called after the target group has a listener: the metric names both."""
        out_cooldown = Duration.seconds(self.pool.scale_out_cooldown)
        in_cooldown = Duration.seconds(self.pool.scale_in_cooldown)
        tasks = self.service.auto_scale_task_count(
            min_capacity=self.pool.min, max_capacity=self.pool.max
        )
        tasks.scale_on_request_count(
            "RequestsPerTarget",
            requests_per_target=self.pool.requests_per_target,
            target_group=self.target_group,
            scale_out_cooldown=out_cooldown,
            scale_in_cooldown=in_cooldown,
        )
        if self.pool.cpu_target is not None:
            tasks.scale_on_cpu_utilization(
                "Cpu",
                target_utilization_percent=self.pool.cpu_target,
                scale_out_cooldown=out_cooldown,
                scale_in_cooldown=in_cooldown,
            )

    def guard(self) -> None:
        """Its deployments are rolled back while its targets answer 5xx; to be called after the
        target group has a listener.

        Alone the circuit breaker notices only tasks that do not start or fail their health checks.
        docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
        """
        alarm = self.target_group.metrics.http_code_target(
            elb.HttpCodeTarget.TARGET_5XX_COUNT, period=Duration.minutes(1)
        ).create_alarm(
            self,
            "Target5xx",
            alarm_description=f"The tasks of {self.pool.name} answer 5xx: a deployment is undone",
            threshold=1,
            evaluation_periods=5,
            datapoints_to_alarm=3,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        # CDK's own method warns of a cycle at each synth; the alarm refers to no service
        service = self.service.node.default_child
        assert isinstance(service, ecs.CfnService)  # noqa: S101 - for the type checker
        service.add_property_override(
            "DeploymentConfiguration.Alarms",
            {"AlarmNames": [alarm.alarm_name], "Enable": True, "Rollback": True},
        )

    def _task(
        self, image: ecs.ContainerImage, values: Mapping[str, str]
    ) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=self.pool.cpu,
            memory_limit_mib=self.pool.memory,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ARCHITECTURES[self._config.architecture],
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        task.add_container(
            CONTAINER,
            image=image,
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            environment={
                **variables("Api", self._config, {**values, "POOL_NAME": self.pool.name}),
                "PORT": str(PORT),
                "KEEP_ALIVE_SECONDS": str(self.keep_alive),
                "FINISH_SECONDS": str(self.pool.finish_timeout),
            },
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=self.pool.name, log_group=log_group(self, "Logs", self._config)
            ),
            stop_timeout=Duration.seconds(self.pool.stop_timeout),
            readonly_root_filesystem=True,
        )
        return task

    def _service(
        self, cluster: ecs.ICluster, task: ecs.FargateTaskDefinition
    ) -> ecs.FargateService:
        public = self._config.network.nat_gateways == 0
        return ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task,
            assign_public_ip=public,
            vpc_subnets=ec2.SubnetSelection(
                subnet_type=ec2.SubnetType.PUBLIC if public else ec2.SubnetType.PRIVATE_WITH_EGRESS
            ),
            # No desired count: each deployment would reset it. Autoscaling keeps the number of
            # tasks between its bounds.
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=Duration.seconds(60),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )

    def _target_group(self, vpc: ec2.IVpc) -> elb.ApplicationTargetGroup:
        settings = self._config.load_balancer
        group = elb.ApplicationTargetGroup(
            self,
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
    """As attributes of a target group, since CDK's property has no "off"."""
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
