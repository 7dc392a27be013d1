"""Kubernetes manifests in an output: which pods run, how many, as whom, and what can't."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from tests.balancer.scene import CHECKED, balancing
from tests.containers.scene import URI, pods_running, write_image
from tests.rows import rows

from emulator.containers import manifests
from emulator.containers.scaling import CPU, Bounds
from emulator.providers import EmulatorError

GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/pods/0123456789abcdef"
ROLES = {("chat", "api"): "arn:aws:iam::123456789012:role/api", ("chat", "other"): "another"}
SELECTOR = {"app.kubernetes.io/name": "api"}
DEPLOYMENT: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "api", "namespace": "chat"},
    "spec": {
        "selector": {"matchLabels": SELECTOR},
        "template": {
            "metadata": {"labels": {**SELECTOR, manifests.COMPONENT: "pods"}},
            "spec": {
                "serviceAccountName": "api",
                "terminationGracePeriodSeconds": 75,
                "containers": [
                    {
                        "image": URI,
                        "env": [{"name": "POOL_NAME", "value": "pods"}, {"name": "EMPTY"}],
                        "resources": {"requests": {"cpu": "500m"}},
                        "lifecycle": {"preStop": {"sleep": {"seconds": 45}}},
                    }
                ],
            },
        },
    },
}
SERVICE: dict[str, Any] = {
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": SELECTOR},
}
BINDING: dict[str, Any] = {
    "kind": "TargetGroupBinding",
    "metadata": {"name": "api"},
    "spec": {"targetGroupARN": GROUP, "serviceRef": {"name": "web", "port": 80}},
}
SCALER: dict[str, Any] = {
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "api"},
    "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "api"},
        "minReplicas": 2,
        "maxReplicas": 6,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 60},
                },
            }
        ],
    },
}
ACCOUNT = {"kind": "ServiceAccount", "metadata": {"name": "api"}}
ALL = (ACCOUNT, DEPLOYMENT, SERVICE, BINDING, SCALER)


def output(*items: Any) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def test_a_deployment_that_is_bound_to_a_target_group_is_a_service() -> None:
    ((service, bounds, tracking),) = manifests.read([output(*ALL)], ROLES)
    assert (service.pool, service.target_groups, service.desired) == ("pods", (GROUP,), None)
    assert service.task.environment == {"POOL_NAME": "pods", "EMPTY": ""}
    assert (service.task.image, service.task.command) == (URI, None)
    assert service.task.role == ROLES["chat", "api"]
    assert service.task.vcpus == 0.5
    assert service.task.stop_timeout == 30, "what is left after preStop"
    assert bounds == Bounds(2, 6)
    assert tracking is not None
    assert (tracking.metric, tracking.target, tracking.in_cooldown) == (CPU, 60, 300)


def test_without_an_autoscaler_it_has_its_replicas() -> None:
    deployment = copy.deepcopy(DEPLOYMENT)
    deployment["spec"]["replicas"] = 3
    ((service, bounds, tracking),) = manifests.read([output(deployment, SERVICE, BINDING)], {})
    assert (service.desired, bounds, tracking) == (3, None, None)
    assert service.task.role is None


@pytest.mark.parametrize("other", ["https://api.example.com", "[1]", "5", '{"kind": "Pod"}', 5])
def test_other_outputs_are_left_alone(other: object) -> None:
    assert manifests.read([other], {}) == []


def changed(**of_container: Any) -> dict[str, Any]:
    deployment = copy.deepcopy(DEPLOYMENT)
    deployment["spec"]["template"]["spec"]["containers"][0] |= of_container
    return deployment


def with_pod(**of_pod: Any) -> dict[str, Any]:
    deployment = copy.deepcopy(DEPLOYMENT)
    deployment["spec"]["template"]["spec"] |= of_pod
    return deployment


@rows(
    ("items", "named"),
    [
        ([*ALL, {"kind": "Ingress"}], "Ingress"),
        ([DEPLOYMENT, SERVICE], "no Service with a TargetGroupBinding"),
        ([DEPLOYMENT, BINDING], "no Service with a TargetGroupBinding"),
        ([with_pod(initContainers=[{}]), SERVICE, BINDING], "initContainers"),
        ([with_pod(volumes=[{}]), SERVICE, BINDING], "volumes"),
        ([with_pod(containers=[{}, {}]), SERVICE, BINDING], "one container"),
        ([changed(envFrom=[{}]), SERVICE, BINDING], "envFrom"),
        ([changed(env=[{"name": "A", "valueFrom": {}}]), SERVICE, BINDING], "valueFrom of A"),
        ([changed(args=["x"]), SERVICE, BINDING], "args without a command"),
    ],
)
def test_what_can_not_run_here_is_named(items: list[Any], named: str) -> None:
    with pytest.raises(EmulatorError, match=named):
        manifests.read([output(*items)], {})


def without(item: Any, *path: str | int) -> Any:
    """A copy that lacks what stands at the path."""
    changed = copy.deepcopy(item)
    place = changed
    for each in path[:-1]:
        place = place[each]
    del place[path[-1]]
    return changed


POD = ("spec", "template", "spec")


@rows(
    ("item", "named"),
    [
        (without(DEPLOYMENT, "metadata", "name"), "Deployment"),
        (without(DEPLOYMENT, "spec", "template", "metadata"), "Deployment api"),
        (without(DEPLOYMENT, *POD, "containers"), "Deployment api"),
        (without(DEPLOYMENT, *POD, "containers", 0, "image"), "Deployment api"),
        (with_pod(containers=None), "Deployment api"),
        (with_pod(terminationGracePeriodSeconds="soon"), "Deployment api"),
        (changed(env=[{"value": "x"}]), "Deployment api"),
        (changed(resources={"requests": {"cpu": "half"}}), "Deployment api"),
        (without(SERVICE, "metadata"), "Service"),
        (without(SERVICE, "spec"), "Service web"),
        ({**SERVICE, "spec": {"selector": ["app"]}}, "Service web"),
        (without(BINDING, "spec", "targetGroupARN"), "TargetGroupBinding api"),
        (without(BINDING, "spec", "serviceRef", "name"), "TargetGroupBinding api"),
        ({**BINDING, "spec": None}, "TargetGroupBinding api"),
        (without(SCALER, "spec", "scaleTargetRef"), "HorizontalPodAutoscaler api"),
        (without(SCALER, "spec", "maxReplicas"), "HorizontalPodAutoscaler api"),
        ({**SCALER, "spec": {**SCALER["spec"], "metrics": "cpu"}}, "HorizontalPodAutoscaler api"),
        ({"metadata": {"name": "x"}}, "a manifest x"),
        ("Deployment", "a manifest"),
    ],
)
def test_a_malformed_manifest_is_named(item: Any, named: str) -> None:
    kind = item.get("kind") if isinstance(item, dict) else None
    others = [each for each in ALL if each["kind"] != kind]
    with pytest.raises(EmulatorError, match=rf"Kubernetes manifests: {named} is malformed: \w+"):
        manifests.read([output(*others, item)], {})


@pytest.mark.parametrize("items", ['{"kind": "List"}', '{"kind": "List", "items": {"a": 1}}'])
def test_a_list_without_items_is_named(items: str) -> None:
    with pytest.raises(EmulatorError, match="Kubernetes manifests: a List is malformed"):
        manifests.read([items], {})


@pytest.mark.parametrize("spec", [{}, {"selector": None}, {"selector": {}}], ids=str)
def test_a_service_without_a_selector_has_no_pods(spec: Any) -> None:
    headless = {"kind": "Service", "metadata": {"name": "other"}, "spec": spec}
    assert len(manifests.read([output(headless, *ALL)], {})) == 1
    bound = {**BINDING, "spec": {**BINDING["spec"], "serviceRef": {"name": "other"}}}
    with pytest.raises(EmulatorError, match="no Service with a TargetGroupBinding"):
        manifests.read([output(headless, DEPLOYMENT, bound)], {})


def test_pods_are_processes_behind_the_load_balancer(tmp_path: Path) -> None:
    image = write_image(tmp_path / "asset")

    async def scenario() -> None:
        async with balancing({"web": (CHECKED, 1)}) as scene:
            binding = copy.deepcopy(BINDING)
            binding["spec"] = {**BINDING["spec"], "targetGroupARN": scene.arns["web"]}
            listed = output(DEPLOYMENT, SERVICE, binding, SCALER)
            async with pods_running(scene.provider.targets, listed, image, tmp_path) as containers:
                assert await containers.ready(30) == []
                tasks = [task["id"] for task in containers.state()["pools"][0]["tasks"]]
                assert [each.rpartition("-")[0] for each in tasks] == ["pods", "pods"]
                assert await scene.get("/env") == (200, "hello-pods")

    asyncio.run(scenario())
