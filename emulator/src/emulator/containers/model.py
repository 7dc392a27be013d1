"""ECS task definitions and services, as the template gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.providers import EmulatorError

Properties = Mapping[str, Any]

DEFAULT_STOP_TIMEOUT = 30
UNITS = 1024  # of CPU, in a vCPU
DEFAULT_CPU = 256
MOST_GROUPS = 5  # "Registering multiple target groups with an Amazon ECS service"


@dataclass(frozen=True)
class TaskDefinition:
    """`stop_timeout` in seconds from SIGTERM to SIGKILL; `command` replaces the image's; `role` is
    the ARN of the task role; `vcpus` is what the task may use, as a share of one. `pod`: Kubernetes
    runs it, not ECS."""

    image: str
    environment: Mapping[str, str]
    command: tuple[str, ...] | None
    stop_timeout: float
    role: str | None = None
    vcpus: float = DEFAULT_CPU / UNITS
    pod: bool = False


@dataclass(frozen=True)
class Service:
    """Each task is registered in all of `target_groups`, ARNs; `grace`: seconds from its start in
    which its health doesn't count."""

    arn: str
    pool: str
    task: TaskDefinition
    target_groups: tuple[str, ...]
    desired: int | None
    grace: float


def read_task_definition(where: str, properties: Properties) -> TaskDefinition:
    containers = properties["ContainerDefinitions"]
    if len(containers) != 1:
        raise EmulatorError(
            f"{where}: the emulator runs tasks of one container, this one has {len(containers)}"
        )
    container = containers[0]
    command = container.get("Command")
    return TaskDefinition(
        image=container["Image"],
        environment={pair["Name"]: str(pair["Value"]) for pair in container.get("Environment", ())},
        command=tuple(command) if command else None,
        stop_timeout=float(container.get("StopTimeout", DEFAULT_STOP_TIMEOUT)),
        role=properties.get("TaskRoleArn"),
        vcpus=float(properties.get("Cpu", DEFAULT_CPU)) / UNITS,
    )


def read_service(
    where: str, arn: str, pool: str, tasks: Mapping[str, TaskDefinition], properties: Properties
) -> Service:
    balancers = properties.get("LoadBalancers", ())
    if not 1 <= len(balancers) <= MOST_GROUPS:
        raise EmulatorError(
            f"{where}: the emulator runs services in 1 to {MOST_GROUPS} target groups, this one is "
            f"in {len(balancers)}"
        )
    if len({balancer.get("ContainerPort") for balancer in balancers}) > 1:
        raise EmulatorError(
            f"{where}: a task listens on one port here: give all of its LoadBalancers the same "
            "ContainerPort"
        )
    definition = tasks.get(properties["TaskDefinition"])
    if definition is None:
        raise EmulatorError(f"{where}: no task definition {properties['TaskDefinition']}")
    desired = properties.get("DesiredCount")
    return Service(
        arn=arn,
        pool=pool,
        task=definition,
        target_groups=tuple(balancer["TargetGroupArn"] for balancer in balancers),
        desired=None if desired is None else int(desired),
        grace=float(properties.get("HealthCheckGracePeriodSeconds", 0)),
    )
