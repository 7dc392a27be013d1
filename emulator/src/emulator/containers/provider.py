"""The provider of ECS services: makes the template's and runs them."""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from emulator.child_processes import ChildProcesses
from emulator.clock import Clock
from emulator.containers import manifests, model
from emulator.containers.autoscaler import Autoscaler
from emulator.containers.images import Images
from emulator.containers.model import Service, TaskDefinition
from emulator.containers.scalable import Scalable
from emulator.containers.scaling import Bounds
from emulator.containers.service import RunningService, Targets
from emulator.containers.task import Task, TaskProcesses
from emulator.iam.account import PODS
from emulator.providers import Created, Resource
from emulator.resource import attributes_of
from emulator.template.place import arn_in

ECS = "AWS::ECS::"
MOST_TASKS = 20  # of one pool, on one laptop
ACTIONS = ("kill", "drain", "pause", "resume")


AddSession = Callable[[str, str, str | None, str, str], None]
"""(which resource, what its access keys begin with, the role's ARN, its name, the service that
assumes it)"""
TASKS = "ecs-tasks.amazonaws.com"
"""The service that assumes the roles of ECS's tasks"""


class UnknownName(LookupError):
    """No pool or target of that name."""


class Rejected(ValueError):
    """An invalid command; the text has the reason."""


class ContainerProvider:
    """One process per task, and per pod of the manifests in outputs.

    `targets` is the load balancer's `targets`; `container_asset` gives the build context of an
    image URI; `environment` adapts the task's variables to the laptop; laid-out images go to
    `directory`, output to `logs`/<pool>-<id>.log. `add_session` is given the role by which the
    tasks of a pool act. `clock` runs scaling, and the
    time until a dead task is noticed.
    """

    types = (
        *(ECS + "Cluster", ECS + "TaskDefinition", ECS + "Service"),
        *Scalable.types,
        manifests.IDENTITY,
    )

    def __init__(
        self,
        *,
        children: ChildProcesses,
        targets: Targets,
        container_asset: Callable[[str], Path],
        environment: Callable[[Mapping[str, str]], dict[str, str]],
        directory: Path,
        logs: Path,
        clock: Clock,
        add_session: AddSession = lambda *_: None,
        region: str = "us-east-1",
        account: str = "123456789012",
        new_id: Callable[[], str] = lambda: secrets.token_hex(3),
    ) -> None:
        self._children = children
        self._targets = targets
        self._images = Images(container_asset, environment, directory)
        self._logs = logs
        self._clock = clock
        self._scope = f"{region}:{account}"
        self._add_session = add_session
        self._new_id = new_id
        self._definitions: dict[str, TaskDefinition] = {}
        self._services: dict[str, Service] = {}
        self._pod_roles: dict[tuple[str, str], str] = {}
        self._scalable = Scalable(self._scope)
        self._running: dict[str, RunningService] = {}
        self._autoscalers: dict[str, Autoscaler] = {}  # by pool

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for what isn't supported."""
        name = f"{resource.stack}-{resource.logical_id}"
        match resource.type.rpartition("::")[2]:
            case "Cluster":
                name = properties.get("ClusterName", name)
                return Created(name, {"Arn": arn_in(self._scope, "ecs", f"cluster/{name}")})
            case "TaskDefinition":
                arn = arn_in(self._scope, "ecs", f"task-definition/{properties['Family']}:1")
                self._definitions[arn] = model.read_task_definition(str(resource), properties)
                return Created(arn, {"TaskDefinitionArn": arn})
            case "Service":
                return self._create_service(resource, name, properties)
            case "PodIdentityAssociation":
                pods = (properties["Namespace"], properties["ServiceAccount"])
                self._pod_roles[pods] = properties["RoleArn"]
                return Created(name, {"AssociationArn": arn_in(self._scope, "eks", name)})
            case _:
                return self._scalable.create(resource, name, properties)

    def _create_service(
        self, resource: Resource, name: str, properties: Mapping[str, Any]
    ) -> Created:
        name = properties.get("ServiceName", name)
        cluster = properties.get("Cluster", "default")
        arn = arn_in(self._scope, "ecs", f"service/{cluster}/{name}")
        pool = attributes_of(properties, "Tags").get("pool", name)
        service = model.read_service(str(resource), arn, pool, self._definitions, properties)
        self._add_session(str(resource), pool, service.task.role, pool, TASKS)
        self._services[name] = service
        return Created(arn, {"Name": name, "ServiceArn": arn})

    def add_pods(self, outputs: Iterable[object]) -> None:
        """Adds services from the manifests among the stage's outputs. Raises EmulatorError for what
        can't run."""
        for service, bounds, tracking in manifests.read(outputs, self._pod_roles):
            name = service.arn
            pool, role = service.pool, service.task.role
            self._add_session(f"Deployment {name}", pool, role, pool, PODS)
            self._services[name] = service
            if bounds is not None:
                self._scalable.bounds[name] = bounds
            if tracking is not None:
                self._scalable.policies[name] = [tracking]

    async def start(self) -> None:
        """Starts the tasks and returns; `ready` waits for them. The load balancer runs already."""
        for name, service in self._services.items():
            self._images.lay_out(service.task.image)
            bounds = self._scalable.bounds.get(name, Bounds(0, MOST_TASKS))
            desired = service.desired if service.desired is not None else bounds.minimum or 1
            launch = functools.partial(self._images.launch, service.task)
            processes = TaskProcesses(self._children, launch, self._new_id, self._logs)
            running = RunningService(service, desired, processes, self._targets, self._clock)
            self._running[service.pool] = running
            await running.start()
            policies = self._scalable.policies.get(name)
            if policies:
                autoscaler = Autoscaler(running, policies, bounds, self._targets, self._clock)
                self._autoscalers[service.pool] = autoscaler
                await autoscaler.start()

    async def stop(self) -> None:
        for autoscaler in self._autoscalers.values():
            await autoscaler.stop()
        await asyncio.gather(*(running.stop() for running in self._running.values()))

    async def ready(self, seconds: float) -> list[str]:
        """Waits until every pool has its tasks healthy; the pools that don't within `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            missing = [pool for pool, running in self._running.items() if not running.well()]
            if not missing or asyncio.get_running_loop().time() >= deadline:
                return missing
            await asyncio.sleep(0.02)

    def sources_changed(self, sources: Path, changed: list[Path]) -> None:
        """Takes saved files over into the images that hold `sources`, and renews their tasks."""
        for service in self._services.values():
            if self._images.overlay(service.task.image, sources, changed):
                self._running[service.pool].renew()

    def set_desired(self, pool: str, desired: int) -> None:
        """Raises UnknownName, Rejected."""
        if pool not in self._running:
            raise UnknownName(f"no container pool {pool!r}")
        if not 0 <= desired <= MOST_TASKS:
            raise Rejected(f"desired is a number from 0 to {MOST_TASKS}, got {desired}")
        self._running[pool].scale(desired)

    def set_autoscaling(self, pool: str, on: bool) -> None:
        """Resumes or suspends what the template's policy does. Raises UnknownName, Rejected."""
        if pool not in self._running:
            raise UnknownName(f"no container pool {pool!r}")
        if pool not in self._autoscalers:
            raise Rejected(f"the template has no scaling policy for {pool} that is acted on here")
        self._autoscalers[pool].suspended = not on

    def act(self, target_id: str, action: str) -> None:
        """kill, drain, pause or resume one task. Raises UnknownName, Rejected."""
        running, task = self._find(target_id)
        if task.stopping:
            raise Rejected(f"{target_id} is being stopped already")
        if task.exited and action != "drain":
            raise Rejected(f"{target_id} has ended already: it is being replaced")
        match action:
            case "kill":
                task.kill()
            case "pause":
                task.pause()
            case "resume":
                task.resume()
            case "drain":
                running.drain(target_id)
            case _:
                raise Rejected(f"action is one of {', '.join(ACTIONS)}, got {action!r}")

    def state(self) -> dict[str, Any]:
        """`{"pools": [{name, desired, autoscaling, trouble, tasks: [{id, pid, paused, exited,
        log}]}]}`; autoscaling None for a pool without a policy, trouble for one that has what is
        desired or is about to."""
        return {
            "pools": [
                {
                    "name": pool,
                    "desired": running.desired,
                    "autoscaling": self._autoscaling(pool),
                    "trouble": running.trouble,
                    "tasks": [
                        {
                            "id": task.id,
                            "pid": task.process.pid,
                            "paused": task.paused,
                            "exited": task.exited,
                            "log": str(task.log),
                        }
                        for task in running.tasks.values()
                    ],
                }
                for pool, running in self._running.items()
            ]
        }

    def _autoscaling(self, pool: str) -> bool | None:
        autoscaler = self._autoscalers.get(pool)
        return None if autoscaler is None else not autoscaler.suspended

    def _find(self, target_id: str) -> tuple[RunningService, Task]:
        for running in self._running.values():
            if target_id in running.tasks:
                return running, running.tasks[target_id]
        raise UnknownName(f"no container with the id {target_id!r}")
