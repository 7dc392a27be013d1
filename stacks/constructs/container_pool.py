"""A container pool: a Fargate service, its target group and its autoscaling."""

from collections.abc import Mapping

from aws_cdk import Duration, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.permissions import permissions_of
from stacks.config.pools import ContainerPool, finish_timeout
from stacks.config.rules import ip_hash_pool
from stacks.constructs.fargate import fargate_service, task_definition
from stacks.constructs.function import reading_log_level, variables
from stacks.constructs.grants import Resources, statements
from stacks.constructs.retention import log_group
from stacks.constructs.target_group import PORT, keep_alive, target_group

CONTAINER = "api"


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
        self.keep_alive = keep_alive(config.load_balancer)
        task = self._task(image, values)
        permissions = permissions_of("Api", in_containers=config.websocket.in_containers)
        granted = statements(permissions, resources)
        for statement in (*granted, *reading_log_level(self, config)):
            task.add_to_task_role_policy(statement)
        self.service = fargate_service(self, config, cluster, task)
        self.target_group = target_group(self, config.load_balancer, cluster.vpc)
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
        """Rolls its deployments back if its targets return 5xx; to be called after the target group
        has a listener. The circuit breaker alone notices only tasks that do not start or fail their
        health checks.
        docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
        """
        alarm = self.target_group.metrics.http_code_target(
            elb.HttpCodeTarget.TARGET_5XX_COUNT, period=Duration.minutes(1)
        ).create_alarm(
            self,
            "Target5xx",
            alarm_description=f"The tasks of {self.pool.name} return 5xx: a deployment is undone",
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
        task = task_definition(self, self._config, self.pool)
        hashed = ip_hash_pool(self._config.load_balancer, self._config.pools)
        task.add_container(
            CONTAINER,
            image=image,
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            environment={
                **variables("Api", self._config, {**values, "POOL_NAME": self.pool.name}),
                "PORT": str(PORT),
                "DIRECT_CLIENTS": str(self.pool == hashed).lower(),
                "KEEP_ALIVE_SECONDS": str(self.keep_alive),
                "FINISH_SECONDS": str(finish_timeout(self.pool)),
            },
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=self.pool.name, log_group=log_group(self, "Logs", self._config)
            ),
            stop_timeout=Duration.seconds(self.pool.stop_timeout),
            readonly_root_filesystem=True,
        )
        return task
