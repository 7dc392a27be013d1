"""The Kubernetes manifests of a pool, made with cdk8s.

What each field does: https://kubernetes.io/docs/reference/kubernetes-api/ and, for the binding to
the target group, https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/spec/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stacks.config.pools import KubernetesPool
from stacks.constructs.target_group import PORT

CONTAINER = "api"
NOBODY = 65534  # Debian's user of that name, by number: only so does Kubernetes know it is not root
ZONE = "topology.kubernetes.io/zone"
MACHINES = {"arm64": "arm64", "x86_64": "amd64"}  # as nodes name their processors


@dataclass(frozen=True)
class Pods:
    """What pods are given beside their pool's settings; strings may hold CDK's tokens.

    `name` is that of every object. `drain` is how many seconds a pod that leaves still gets
    requests; it is asked to end after that.
    """

    name: str
    pool: str
    image: str
    architecture: str
    environment: Mapping[str, str]
    health_path: str
    target_group_arn: str
    security_group: str
    drain: int

    @property
    def selector(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": self.name}

    @property
    def labels(self) -> dict[str, str]:
        return {
            **self.selector,
            "app.kubernetes.io/component": self.pool,
            "app.kubernetes.io/part-of": "switchboard",
        }


def manifests(pool: KubernetesPool, pods: Pods) -> list[dict[str, Any]]:
    """Service account, Deployment, Service, autoscaler, disruption budget and target group binding.

    Their strings hold the tokens of `pods`.
    """
    from cdk8s import ApiObject, ApiObjectMetadata, App, Chart, JsonPatch  # starts Node.js

    chart = Chart(App(), pods.name, namespace=pool.namespace, labels=pods.labels)

    def add(kind: str, api_version: str, spec: Mapping[str, Any] | None = None) -> None:
        metadata = ApiObjectMetadata(name=pods.name)
        made = ApiObject(chart, kind, kind=kind, api_version=api_version, metadata=metadata)
        if spec is not None:
            made.add_json_patch(JsonPatch.add("/spec", spec))

    matching = {"matchLabels": pods.selector}
    port = {"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}
    add("ServiceAccount", "v1")
    add("Deployment", "apps/v1", _deployment(pool, pods))
    add("Service", "v1", {"selector": pods.selector, "ports": [port]})
    add("HorizontalPodAutoscaler", "autoscaling/v2", _autoscaling(pool, pods.name))
    add("PodDisruptionBudget", "policy/v1", {"maxUnavailable": 1, "selector": matching})
    add("TargetGroupBinding", "elbv2.k8s.aws/v1beta1", _binding(pods))
    made: list[dict[str, Any]] = chart.to_json()
    return made


def _deployment(pool: KubernetesPool, pods: Pods) -> dict[str, Any]:
    """Without a number of replicas: each apply would reset it, and the autoscaler keeps it."""
    return {
        "selector": {"matchLabels": pods.selector},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "100%"},
        },
        "template": {"metadata": {"labels": pods.labels}, "spec": _pod(pool, pods)},
    }


def _pod(pool: KubernetesPool, pods: Pods) -> dict[str, Any]:
    return {
        "serviceAccountName": pods.name,
        "nodeSelector": {"kubernetes.io/arch": MACHINES[pods.architecture]},
        "securityContext": {"runAsNonRoot": True, "runAsUser": NOBODY},
        # SIGTERM comes after the sleep of preStop; both count.
        "terminationGracePeriodSeconds": pods.drain + pool.stop_timeout,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": ZONE,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": pods.selector},
            }
        ],
        "containers": [_container(pool, pods)],
    }


def _container(pool: KubernetesPool, pods: Pods) -> dict[str, Any]:
    check = {"httpGet": {"path": pods.health_path, "port": PORT}}
    return {
        "name": CONTAINER,
        "image": pods.image,
        "ports": [{"containerPort": PORT, "protocol": "TCP"}],
        "env": [{"name": name, "value": value} for name, value in pods.environment.items()],
        # No limit of CPU: a spike may take what the node has left.
        "resources": {
            "requests": {"cpu": f"{pool.cpu}m", "memory": f"{pool.memory}Mi"},
            "limits": {"memory": f"{pool.memory}Mi"},
        },
        "readinessProbe": {**check, "periodSeconds": 5},
        # A minute: only a process that hangs is started again, not one with much to do.
        "livenessProbe": {**check, "periodSeconds": 10, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": pods.drain}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _binding(pods: Pods) -> dict[str, Any]:
    """Registers the Service's pods in the target group, and lets the balancer in to them."""
    source = {"securityGroup": {"groupID": pods.security_group}}
    rule = {"from": [source], "ports": [{"port": PORT, "protocol": "TCP"}]}
    return {
        "targetGroupARN": pods.target_group_arn,
        "targetType": "ip",
        "serviceRef": {"name": pods.name, "port": 80},
        "networking": {"ingress": [rule]},
    }


def _autoscaling(pool: KubernetesPool, name: str) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": pool.cpu_target}
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": pool.min,
        "maxReplicas": pool.max,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
