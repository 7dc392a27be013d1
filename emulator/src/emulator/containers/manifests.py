"""Kubernetes manifests in a stack's outputs, read as services: a List with Deployments whose pods a
TargetGroupBinding registers.

An output is where a template can put them with the names that CloudFormation gives. Fields that
are about nodes, disks and probes are not read: pods are processes here.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from emulator.containers.model import DEFAULT_STOP_TIMEOUT, Service, TaskDefinition
from emulator.containers.scaling import CPU, Bounds, Tracking
from emulator.providers import EmulatorError

BINDING = "TargetGroupBinding"
IDENTITY = "AWS::EKS::PodIdentityAssociation"
COMPONENT = "app.kubernetes.io/component"
# Nothing to do for them here.
_WITHOUT_EFFECT = frozenset({"ServiceAccount", "Namespace", "PodDisruptionBudget"})
_READ = frozenset({"Deployment", "Service", "HorizontalPodAutoscaler", BINDING})
_UNSUPPORTED = ("initContainers", "volumes")
_UNSUPPORTED_OF_CONTAINER = ("envFrom", "volumeMounts")
# "stabilizationWindowSeconds" of the default behaviour:
# https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#default-behavior
_SCALE_IN_SECONDS = 300.0
_THOUSANDTHS = 1000
Manifest = Mapping[str, Any]
Roles = Mapping[tuple[str, str], str]  # by namespace and service account


class Pods(NamedTuple):
    """A Deployment as a service. `bounds` and `tracking` are its autoscaler's, where it has one."""

    service: Service
    bounds: Bounds | None
    tracking: Tracking | None


def read(outputs: Iterable[object], roles: Roles) -> list[Pods]:
    """The Deployments in whichever outputs hold manifests. Raises EmulatorError for what can't run
    here."""
    return [pods for output in outputs for pods in _of(_listed(output), roles)]


def _listed(output: object) -> list[Manifest]:
    try:
        document = json.loads(output) if isinstance(output, str) else None
    except ValueError:
        return []
    if not isinstance(document, dict) or document.get("kind") != "List":
        return []
    items: list[Manifest] = document.get("items", [])
    if not isinstance(document.get("items"), list):
        raise EmulatorError("Kubernetes manifests: a List is malformed: it has no list of items")
    unknown = {_kind(each) for each in items} - _READ - _WITHOUT_EFFECT
    if unknown:
        raise EmulatorError(
            f"Kubernetes manifests: {', '.join(sorted(unknown))} is not supported locally"
        )
    return items


def _kind(manifest: Manifest) -> str:
    with _naming(manifest):
        return str(manifest["kind"])


@contextlib.contextmanager
def _naming(manifest: Any) -> Iterator[None]:
    """Turns what a malformed manifest raises while it is read into an EmulatorError."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise EmulatorError(
            f"Kubernetes manifests: {_name(manifest)} is malformed: {type(error).__name__} {error}"
        ) from error


def _name(manifest: Any) -> str:
    """The kind and the name, as far as it has them."""
    given = manifest if isinstance(manifest, dict) else {}
    about = given.get("metadata")
    name = about.get("name") if isinstance(about, dict) else None
    return " ".join(str(each) for each in (given.get("kind", "a manifest"), name) if each)


def _of(items: list[Manifest], roles: Roles) -> list[Pods]:
    kinds = {kind: [each for each in items if each["kind"] == kind] for kind in _READ}
    selectors = _selectors(kinds["Service"])
    bound = _bound(kinds[BINDING])
    scalers = _scalers(kinds["HorizontalPodAutoscaler"])
    found = []
    for deployment in kinds["Deployment"]:
        with _naming(deployment):
            name = deployment["metadata"]["name"]
            labels = deployment["spec"]["template"]["metadata"]["labels"]
            services = {
                service
                for service, selector in selectors.items()
                if selector.items() <= labels.items()
            }
            groups = tuple(group for group, service in bound if service in services)
            if not groups:
                raise EmulatorError(
                    f"Kubernetes manifests: Deployment {name} has no Service with a "
                    "TargetGroupBinding, and the emulator has no other way to it"
                )
            service = _service(deployment, labels, groups, roles)
        found.append(Pods(service, *scalers.get(name, (None, None))))
    return found


def _selectors(services: Iterable[Manifest]) -> dict[str, Mapping[str, str]]:
    """The selectors by the Service's name. Services without one are left out:
    https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors"""
    found: dict[str, Mapping[str, str]] = {}
    for each in services:
        with _naming(each):
            selector = dict(each["spec"].get("selector") or {})
            if selector:
                found[each["metadata"]["name"]] = selector
    return found


def _bound(bindings: Iterable[Manifest]) -> list[tuple[str, str]]:
    """(target group, name of the Service)."""
    found = []
    for each in bindings:
        with _naming(each):
            found.append((each["spec"]["targetGroupARN"], each["spec"]["serviceRef"]["name"]))
    return found


def _scalers(scalers: Iterable[Manifest]) -> dict[str, tuple[Bounds, Tracking | None]]:
    """The autoscalers by the name of the Deployment; the first, where it has several."""
    found: dict[str, tuple[Bounds, Tracking | None]] = {}
    for each in scalers:
        with _naming(each):
            spec = each["spec"]
            bounds = Bounds(int(spec.get("minReplicas", 1)), int(spec["maxReplicas"]))
            found.setdefault(spec["scaleTargetRef"]["name"], (bounds, _tracking(spec)))
    return found


def _service(
    deployment: Manifest, labels: Mapping[str, str], groups: tuple[str, ...], roles: Roles
) -> Service:
    name, spec = deployment["metadata"]["name"], deployment["spec"]
    namespace = deployment["metadata"].get("namespace", "default")
    pod = spec["template"]["spec"]
    role = roles.get((namespace, pod.get("serviceAccountName", "default")))
    return Service(
        arn=name,
        pool=labels.get(COMPONENT, name),
        task=_task(f"Deployment {name}", pod, role),
        target_groups=groups,
        desired=spec.get("replicas"),
        grace=0.0,
    )


def _task(where: str, pod: Manifest, role: str | None) -> TaskDefinition:
    containers = pod["containers"]
    if len(containers) != 1:
        raise EmulatorError(f"{where}: pods of one container run here, not of {len(containers)}")
    (container,) = containers
    unsupported = [name for name in _UNSUPPORTED if pod.get(name)]
    unsupported += [name for name in _UNSUPPORTED_OF_CONTAINER if container.get(name)]
    variables = container.get("env", [])
    unsupported += [f"valueFrom of {each['name']}" for each in variables if "valueFrom" in each]
    if container.get("args") and not container.get("command"):
        unsupported.append("args without a command")
    if unsupported:
        raise EmulatorError(f"{where}: {', '.join(unsupported)} is not supported locally")
    command = (*container.get("command", ()), *container.get("args", ()))
    requested = container.get("resources", {}).get("requests", {})
    return TaskDefinition(
        image=container["image"],
        environment={each["name"]: str(each.get("value", "")) for each in variables},
        command=command or None,
        stop_timeout=_time_to_end(pod, container),
        role=role,
        vcpus=_vcpus(str(requested.get("cpu", "0.25"))),
        pod=True,
    )


def _time_to_end(pod: Manifest, container: Manifest) -> float:
    """Seconds from SIGTERM to SIGKILL: preStop's sleep is for the deregistration, which comes first
    here."""
    grace = float(pod.get("terminationGracePeriodSeconds", DEFAULT_STOP_TIMEOUT))
    sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    return max(1.0, grace - float(sleep))


def _vcpus(quantity: str) -> float:
    """A quantity of CPU, as 0.25 or 250m: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""
    if quantity.endswith("m"):
        return float(quantity[:-1]) / _THOUSANDTHS
    return float(quantity)


def _tracking(scaler: Manifest) -> Tracking | None:
    for metric in scaler.get("metrics", []):
        resource = metric.get("resource", {})
        if resource.get("name") == "cpu" and "averageUtilization" in resource.get("target", {}):
            target = float(resource["target"]["averageUtilization"])
            return Tracking(CPU, target, out_cooldown=0.0, in_cooldown=_SCALE_IN_SECONDS)
    return None
