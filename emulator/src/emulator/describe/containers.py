"""ECS's view: clusters, services, task definitions and the tasks that run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from emulator import service_models
from emulator.describe.errors import CallError, Unsupported
from emulator.describe.made import Made, One, tags_of
from emulator.resource import attributes_of
from emulator.template.place import arn_in

_TYPE = "AWS::ECS::"


class EcsView:
    """`state` is the container provider's."""

    def __init__(self, made: Made, state: Callable[[], Mapping[str, Any]]) -> None:
        self._made = made
        self._state = state

    def operations(self) -> dict[str, Any]:
        return {
            "ListClusters": lambda given: {"clusterArns": [_arn(one) for one in self._clusters()]},
            "DescribeClusters": self._described_clusters,
            "ListServices": self._listed_services,
            "DescribeServices": self._described_services,
            "ListTaskDefinitions": self._listed_definitions,
            "DescribeTaskDefinition": self._definition,
            "ListTasks": self._listed_tasks,
            "DescribeTasks": self._described_tasks,
        }

    def _clusters(self) -> list[One]:
        return list(self._made.of(f"{_TYPE}Cluster"))

    def _services(self, cluster: Any) -> list[One]:
        """The services of the cluster, by its name or ARN."""
        name = str(cluster or "default").rpartition("/")[2]
        if name not in {one.created.ref for one in self._clusters()}:
            raise CallError("ClusterNotFoundException", "Cluster not found.")
        services = self._made.of(f"{_TYPE}Service")
        return [one for one in services if _cluster(one) == name]

    def _listed_definitions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        family = given.get("familyPrefix")
        arns = [one.created.ref for one in self._made.of(f"{_TYPE}TaskDefinition")]
        found = [arn for arn in arns if family in (None, arn.rpartition("/")[2].partition(":")[0])]
        return {"taskDefinitionArns": found}

    def _definition(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """By its ARN, `family:revision`, or the family alone; here each has one revision."""
        name = str(given["taskDefinition"]).rpartition("/")[2]
        for one in self._made.of(f"{_TYPE}TaskDefinition"):
            known = one.created.ref.rpartition("/")[2]
            family, _, revision = known.partition(":")
            if name in (known, family):
                model = service_models.session().get_service_model("ecs")
                own_properties = {
                    name: each for name, each in one.properties.items() if name != "Tags"
                }
                made = _as_api(model.shape_for("TaskDefinition"), own_properties)
                own = {"family": family, "revision": int(revision), "status": "ACTIVE"}
                tags = [
                    {"key": key, "value": value} for key, value in tags_of(one.properties).items()
                ]
                shown = tags if "TAGS" in given.get("include", []) else None
                return {
                    "taskDefinition": {**made, "taskDefinitionArn": one.created.ref, **own},
                    "tags": shown,
                }
        raise CallError("ClientException", "Unable to describe task definition.")

    def _pool(self, one: One) -> Mapping[str, Any]:
        name = attributes_of(one.properties, "Tags").get("pool", one.created.attributes["Name"])
        empty = {"desired": 0, "tasks": []}
        return next((each for each in self._state()["pools"] if each["name"] == name), empty)

    def _described_clusters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {str(each).rpartition("/")[2] for each in given.get("clusters", ["default"])}
        found = [one for one in self._clusters() if one.created.ref in wanted]
        return {
            "clusters": [
                {
                    "clusterArn": _arn(one),
                    "clusterName": one.created.ref,
                    "status": "ACTIVE",
                    "activeServicesCount": len(self._services(one.created.ref)),
                    "runningTasksCount": len(list(self._tasks({"cluster": one.created.ref}))),
                }
                for one in found
            ],
            "failures": [
                {"arn": name, "reason": "MISSING"}
                for name in sorted(wanted - {one.created.ref for one in found})
            ],
        }

    def _listed_services(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"serviceArns": [one.created.ref for one in self._services(given.get("cluster"))]}

    def _described_services(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {str(each).rpartition("/")[2] for each in given.get("services", [])}
        if not wanted:
            raise CallError("InvalidParameterException", "Services cannot be empty.")
        found = {
            one.created.attributes["Name"]: one for one in self._services(given.get("cluster"))
        }
        return {
            "services": [self._service(one) for name, one in found.items() if name in wanted],
            "failures": [
                {"arn": name, "reason": "MISSING"} for name in sorted(wanted - found.keys())
            ],
        }

    def _service(self, one: One) -> dict[str, Any]:
        pool = self._pool(one)
        return {
            "serviceArn": one.created.ref,
            "serviceName": one.created.attributes["Name"],
            "clusterArn": one.properties.get("Cluster"),
            "status": "ACTIVE",
            "desiredCount": pool["desired"],
            "runningCount": sum(not task["exited"] for task in pool["tasks"]),
            "launchType": one.properties.get("LaunchType"),
            "taskDefinition": one.properties.get("TaskDefinition"),
        }

    def _tasks(self, given: Mapping[str, Any]) -> Iterator[tuple[str, One, Mapping[str, Any]]]:
        """(ARN, its service, the task) of a cluster, of one service where that is named."""
        wanted = str(given.get("serviceName") or "").rpartition("/")[2]
        services = self._services(given.get("cluster"))
        if wanted and wanted not in {one.created.attributes["Name"] for one in services}:
            raise CallError("ServiceNotFoundException", "Service not found.")
        for one in services:
            if wanted in ("", one.created.attributes["Name"]):
                for task in self._pool(one)["tasks"]:
                    name = f"task/{_cluster(one)}/{task['id']}"
                    yield arn_in(self._made.scope, "ecs", name), one, task

    def _listed_tasks(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Those that run, where the call asks for no others; "PENDING" gives none, as ECS never
        sets it: ListTasks, API reference."""
        wanted = given.get("desiredStatus", "RUNNING")
        tasks = self._tasks(given)
        return {"taskArns": [arn for arn, _, task in tasks if _status(task) == wanted]}

    def _described_tasks(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {str(each).rpartition("/")[2]: each for each in given.get("tasks", [])}
        if not wanted:
            raise CallError("InvalidParameterException", "Tasks cannot be empty.")
        found = list(self._tasks({"cluster": given.get("cluster")}))
        absent = wanted.keys() - {task["id"] for _, _, task in found}
        return {
            "tasks": [
                {
                    "taskArn": arn,
                    "taskDefinitionArn": one.properties.get("TaskDefinition"),
                    "lastStatus": _status(task),
                    "group": f"service:{one.created.attributes['Name']}",
                }
                for arn, one, task in found
                if task["id"] in wanted
            ],
            "failures": [{"arn": wanted[each], "reason": "MISSING"} for each in sorted(absent)],
        }


def _status(task: Mapping[str, Any]) -> str:
    return "STOPPED" if task["exited"] else "RUNNING"


def _arn(one: One) -> str:
    return str(one.created.attributes["Arn"])


def _cluster(service: One) -> str:
    """The name of the cluster that a service is in."""
    return str(service.properties.get("Cluster")).rpartition("/")[2]


def _as_api(shape: Shape, value: Any) -> Any:
    """A value of a template as the API has it, whose members have the same names in other cases:
    FSxWindowsFileServerVolumeConfiguration, fsxWindowsFileServerVolumeConfiguration. Raises
    Unsupported for a member that the API has under no such name."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        names = {name.lower(): name for name in shape.members}
        if unknown := [name for name in value if name.lower() not in names]:
            raise Unsupported(f"{', '.join(unknown)} of {shape.name}")
        own = {names[name.lower()]: each for name, each in value.items()}
        return {name: _as_api(shape.members[name], each) for name, each in own.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_as_api(shape.member, each) for each in value]
    return value
