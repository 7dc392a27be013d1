"""Fargate services behind the load balancer, and their tasks: those of a pool, and of sockets."""

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.pools import ContainerPool
from stacks.config.socket_tasks import SocketTasks

ARCHITECTURES = {
    "arm64": ecs.CpuArchitecture.ARM64,
    "x86_64": ecs.CpuArchitecture.X86_64,
}


def task_definition(
    scope: Construct, config: Environment, size: ContainerPool | SocketTasks
) -> ecs.FargateTaskDefinition:
    """The definition "Task", without its container."""
    return ecs.FargateTaskDefinition(
        scope,
        "Task",
        cpu=size.cpu,
        memory_limit_mib=size.memory,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ARCHITECTURES[config.architecture],
            operating_system_family=ecs.OperatingSystemFamily.LINUX,
        ),
    )


def fargate_service(
    scope: Construct, config: Environment, cluster: ecs.ICluster, task: ecs.FargateTaskDefinition
) -> ecs.FargateService:
    """The service "Service" of tasks behind the load balancer."""
    public = config.public_tasks
    return ecs.FargateService(
        scope,
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
