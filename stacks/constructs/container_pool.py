"""A pool of the load balancer that is a Fargate service."""

from collections.abc import Mapping

from aws_cdk import Duration, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.config import Environment
from stacks.constructs.function import shared_variables
from stacks.constructs.grants import Resources, statements
from stacks.constructs.log_group import log_group
from stacks.load_balancing import LoadBalancer
from stacks.permissions import PERMISSIONS
from stacks.pools import ContainerPool

CONTAINER = "api"
PORT = 8080
STOP_TIMEOUT = 30  # seconds from SIGTERM to SIGKILL; requests have been drained before
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
    """The tasks of one pool, their target group and what makes them more or fewer."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        pool: ContainerPool,
        cluster: ecs.ICluster,
        image: ecs.ContainerImage,
        environment: Mapping[str, str],
        resources: Resources,
    ) -> None:
        super().__init__(scope, id)
        self._config = config
        self._pool = pool
        task = self._task(image, environment)
        for statement in statements(PERMISSIONS["Api"], resources):
            task.add_to_task_role_policy(statement)
        self.service = self._service(cluster, task)
        self.target_group = self._target_group(cluster.vpc)
        self.target_group.add_target(
            self.service.load_balancer_target(container_name=CONTAINER, container_port=PORT)
        )
        for resource in (self.service, self.target_group):
            Tags.of(resource).add("pool", pool.name)

    def scale_on_requests(self) -> None:
        """Call it once the target group is behind a listener: the metric is of the two together."""
        tasks = self.service.auto_scale_task_count(
            min_capacity=self._pool.min, max_capacity=self._pool.max
        )
        tasks.scale_on_request_count(
            "RequestsPerTarget",
            requests_per_target=self._pool.requests_per_target,
            target_group=self.target_group,
            scale_out_cooldown=Duration.seconds(60),
            scale_in_cooldown=Duration.seconds(300),
        )

    def _task(
        self, image: ecs.ContainerImage, environment: Mapping[str, str]
    ) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=self._pool.cpu,
            memory_limit_mib=self._pool.memory,
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
                **shared_variables(self._config, "api"),
                **environment,
                "POOL_NAME": self._pool.name,
                "PORT": str(PORT),
            },
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=self._pool.name, log_group=log_group(self, "Logs", self._config)
            ),
            stop_timeout=Duration.seconds(STOP_TIMEOUT),
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
            # No desired count: each deployment would set it back. Autoscaling brings the service
            # to its minimum and keeps it between its bounds.
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=Duration.seconds(60),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )

    def _target_group(self, vpc: ec2.IVpc) -> elb.ApplicationTargetGroup:
        settings = self._config.load_balancer
        check = settings.health_check
        return elb.ApplicationTargetGroup(
            self,
            "TargetGroup",
            vpc=vpc,
            target_type=elb.TargetType.IP,
            protocol=elb.ApplicationProtocol.HTTP,
            port=PORT,
            load_balancing_algorithm_type=ALGORITHMS[settings.algorithm],
            slow_start=Duration.seconds(settings.slow_start) if settings.slow_start else None,
            deregistration_delay=Duration.seconds(settings.deregistration_delay),
            stickiness_cookie_duration=_sticky_target(settings),
            stickiness_cookie_name=settings.stickiness.cookie_name or None,
            health_check=elb.HealthCheck(
                path=check.path,
                interval=Duration.seconds(check.interval),
                timeout=Duration.seconds(check.timeout),
                healthy_threshold_count=check.healthy_threshold,
                unhealthy_threshold_count=check.unhealthy_threshold,
            ),
        )


def _sticky_target(settings: LoadBalancer) -> Duration | None:
    stickiness = settings.stickiness
    if stickiness.kind in ("lb_cookie", "app_cookie"):
        return Duration.seconds(stickiness.duration)
    return None
