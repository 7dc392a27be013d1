"""ECS task definitions and services, as the template gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.providers import LocalModeError

Properties = Mapping[str, Any]

DEFAULT_STOP_TIMEOUT = 30


@dataclass(frozen=True)
class TaskDefinition:
    """`stop_timeout` in seconds from SIGTERM to SIGKILL; `command` replaces the image's."""

    image: str
    environment: Mapping[str, str]
    command: tuple[str, ...] | None
    stop_timeout: float


@dataclass(frozen=True)
class Service:
    """`grace`: seconds from a task's start in which its health doesn't count."""

    arn: str
    pool: str
    task: TaskDefinition
    target_group: str
    desired: int | None
    grace: float


def read_task_definition(where: str, properties: Properties) -> TaskDefinition:
    containers = properties["ContainerDefinitions"]
    if len(containers) != 1:
        raise LocalModeError(
            f"{where}: local mode plays tasks of one container, this one has {len(containers)}"
        )
    container = containers[0]
    for name in ("Secrets", "EnvironmentFiles", "MountPoints", "EntryPoint"):
        if container.get(name):
            raise LocalModeError(f"{where}: {name} of a container is not played locally")
    command = container.get("Command")
    return TaskDefinition(
        image=container["Image"],
        environment={pair["Name"]: str(pair["Value"]) for pair in container.get("Environment", ())},
        command=tuple(command) if command else None,
        stop_timeout=float(container.get("StopTimeout", DEFAULT_STOP_TIMEOUT)),
    )


def read_service(
    where: str, arn: str, pool: str, tasks: Mapping[str, TaskDefinition], properties: Properties
) -> Service:
    balancers = properties.get("LoadBalancers", ())
    if len(balancers) != 1:
        raise LocalModeError(
            f"{where}: local mode plays services behind one target group, this one has "
            f"{len(balancers)}"
        )
    definition = tasks.get(properties["TaskDefinition"])
    if definition is None:
        raise LocalModeError(f"{where}: no task definition {properties['TaskDefinition']}")
    desired = properties.get("DesiredCount")
    return Service(
        arn=arn,
        pool=pool,
        task=definition,
        target_group=balancers[0]["TargetGroupArn"],
        desired=None if desired is None else int(desired),
        grace=float(properties.get("HealthCheckGracePeriodSeconds", 0)),
    )
