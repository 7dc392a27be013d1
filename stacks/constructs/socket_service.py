"""The tasks that hold WebSockets: a Fargate service behind the load balancer.

Clients and posts come by the load balancer; tasks post to each other by their addresses.
"""

from collections.abc import Mapping

from aws_cdk import Duration, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS, SOCKET_FUNCTIONS
from stacks.config.permissions import of_socket_tasks
from stacks.constructs.fargate import fargate_service, task_definition
from stacks.constructs.function import metrics_namespace, reading_log_level, variables_of
from stacks.constructs.grants import Resource, Resources, statements
from stacks.constructs.load_balancer import LoadBalancer
from stacks.constructs.retention import log_group
from stacks.constructs.target_group import keep_alive
from stacks.constructs.websocket_api import SocketEndpoint

POOL = SERVICE = "sockets"  # its name among the pools, and in logs and metrics
PATH = "/sockets"
# Paths that functions post to, as the web ACL matches them: an id is base64, and percent-encoded
POSTS = rf"^{PATH}/@connections/([A-Za-z0-9_-]|%2B|%2F|%3D)+$"
# Not that of the pools: an address is given to another task one day, and a post for an old socket
# must not reach what serves HTTP there.
PORT = 8090
COMMAND = ["python", "-m", "lambdas.sockets.server"]
PING_SECONDS = 30
REPORT_SECONDS = 60  # between two reports of a task of what it holds
KEY_LENGTH = 64
# before the rules of the pools
PRIORITY = 5


class SocketKey(Construct):
    """The key that posts are signed with, and so the endpoint. Made before what posts."""

    def __init__(
        self, scope: Construct, id: str, *, config: Environment, balancer: LoadBalancer
    ) -> None:
        super().__init__(scope, id)
        secret = secretsmanager.Secret(
            self,
            "Secret",
            description=f"What posts to the sockets of {config.name} are signed with",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=KEY_LENGTH
            ),
        )
        scheme, separator, rest = balancer.url.partition("://")
        socket_scheme = "wss" if scheme == "https" else "ws"
        self.endpoint = SocketEndpoint(
            f"{socket_scheme}{separator}{rest}{PATH}",
            f"{balancer.url}{PATH}",
            {"connections_key": Resource((secret.secret_arn,))},
        )


class SocketService(Construct):
    """`values` has the variables of the functions that the tasks run, and may have others."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        cluster: ecs.ICluster,
        image: ecs.ContainerImage,
        values: Mapping[str, str],
        resources: Resources,
    ) -> None:
        super().__init__(scope, id)
        self._config = config
        self.pool = config.websocket.tasks
        self.target_group = self._target_group(cluster.vpc)
        task = self._task(image, values)
        # an action without resource-level permissions
        known = {**resources, "any_target_group": Resource(("*",))}
        granted = statements(of_socket_tasks(SOCKET_FUNCTIONS), known)
        for statement in (*granted, *reading_log_level(self, config)):
            task.add_to_task_role_policy(statement)
        self.service = fargate_service(self, config, cluster, task)
        (group,) = self.service.connections.security_groups
        group.add_ingress_rule(
            group, ec2.Port.tcp(PORT), "posts from one task to the sockets of another"
        )
        self.target_group.add_target(
            self.service.load_balancer_target(container_name=SERVICE, container_port=PORT)
        )
        for resource in (self.service, self.target_group):
            Tags.of(resource).add("pool", POOL)

    def listen(self, balancer: LoadBalancer) -> None:
        """Takes its paths from the pools. Unlike the pools behind CloudFront, these rules require
        no header: clients connect to the load balancer itself.
        """
        elb.ApplicationListenerRule(
            self,
            "Rule",
            listener=balancer.listener,
            priority=PRIORITY,
            conditions=[elb.ListenerCondition.path_patterns([PATH, f"{PATH}/*"])],
            action=elb.ListenerAction.forward([self.target_group]),
        )

    def scale(self) -> None:
        """Adds tasks by their sockets, which take memory, and by their CPU, which frames take."""
        tasks = self.service.auto_scale_task_count(
            min_capacity=self.pool.min, max_capacity=self.pool.max
        )
        tasks.scale_to_track_custom_metric(
            "Held",
            metric=self.metric("ConnectionsHeld", "Average"),
            target_value=self.pool.scale_at,
        )
        tasks.scale_on_cpu_utilization("Cpu", target_utilization_percent=self.pool.cpu_target)

    def metric(self, name: str, statistic: str, label: str | None = None) -> cloudwatch.Metric:
        """One that each task reports of itself, each minute."""
        return cloudwatch.Metric(
            namespace=metrics_namespace(self._config),
            metric_name=name,
            dimensions_map={"service": SERVICE},
            statistic=statistic,
            period=Duration.minutes(1),
            label=label,
        )

    def _target_group(self, vpc: ec2.IVpc) -> elb.ApplicationTargetGroup:
        check = self._config.load_balancer.health_check
        group = elb.ApplicationTargetGroup(
            self,
            "TargetGroup",
            vpc=vpc,
            target_type=elb.TargetType.IP,
            protocol=elb.ApplicationProtocol.HTTP,
            port=PORT,
            # the response of a socket is outstanding as long as it is open, so the task with the
            # fewest sockets gets the next
            load_balancing_algorithm_type=(
                elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS
            ),
            deregistration_delay=Duration.seconds(self.pool.deregistration_delay),
            health_check=elb.HealthCheck(
                path=f"{PATH}/health",
                interval=Duration.seconds(check.interval),
                timeout=Duration.seconds(check.timeout),
                healthy_threshold_count=check.healthy_threshold,
                unhealthy_threshold_count=check.unhealthy_threshold,
            ),
        )
        group.set_attribute("slow_start.duration_seconds", "0")
        return group

    def _task(
        self, image: ecs.ContainerImage, values: Mapping[str, str]
    ) -> ecs.FargateTaskDefinition:
        task = task_definition(self, self._config, self.pool)
        container = task.add_container(
            SERVICE,
            image=image,
            command=COMMAND,
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            environment=self._variables(values),
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=SERVICE, log_group=log_group(self, "Logs", self._config)
            ),
            stop_timeout=Duration.seconds(self.pool.stop_timeout),
            readonly_root_filesystem=True,
        )
        # each socket is a file: Fargate's own limits were lower in earlier platform versions
        container.add_ulimits(
            ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=65_535, hard_limit=65_535)
        )
        return task

    def _variables(self, values: Mapping[str, str]) -> dict[str, str]:
        idle = self._config.load_balancer.idle_timeout
        names = {
            name: None for function in SOCKET_FUNCTIONS for name in FUNCTIONS[function].variables
        }
        return {
            **variables_of(SERVICE, names, self._config, values),
            "PORT": str(PORT),
            "KEEP_ALIVE_SECONDS": str(keep_alive(self._config.load_balancer)),
            "FINISH_SECONDS": str(self.pool.finish_timeout),
            "DRAIN_SECONDS": str(self.pool.drain),
            "HEALTH_SECONDS": str(self.pool.health_interval),
            "MOST_CONNECTIONS": str(self.pool.connections),
            # or the load balancer would close a socket on which nothing is sent
            "PING_SECONDS": str(min(PING_SECONDS, idle // 2)),
            "TARGET_GROUP_ARN": self.target_group.target_group_arn,
        }
