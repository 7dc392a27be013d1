"""A pool of pods in the templates: its manifests, target group and role."""

import json
from dataclasses import replace
from typing import Any

import kubernetes_validate
import pytest

from lambdas.settings import Settings
from stacks.config.environments import DEV
from stacks.config.errors import ConfigError
from stacks.config.existing_vpc import ExistingVpc
from stacks.config.load_balancer import LoadBalancer
from stacks.config.pools import KubernetesPool, LambdaPool
from tests.stacks.synthesized import Synthesize, Synthesized
from tests.support.rows import rows

# The first in which preStop can sleep without a feature gate, and one of today.
VERSIONS = ("1.30.0", "1.36.0")
PODS = KubernetesPool(
    name="pods", cluster="shared", namespace="chat", cpu=250, memory=512, weight=2, min=2, max=6
)
ENVIRONMENT = replace(DEV, pools=(LambdaPool(weight=1), PODS))
# of another name, and in a network that exists
ELSEWHERE = replace(
    ENVIRONMENT,
    project="Chat",
    name="Perf",
    region="eu-west-1",
    availability_zones=("eu-west-1a", "eu-west-1b"),
    vpc=ExistingVpc(
        id="vpc-0123456789abcdef0",
        public_subnets=("subnet-0123456789abcdef0", "subnet-0123456789abcdef1"),
    ),
)
NAME = "switchboard-dev-pods"
# TargetGroupBinding of elbv2.k8s.aws/v1beta1, of which a pool sets these fields:
# https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/spec/
BINDING = {"targetGroupARN", "targetType", "serviceRef", "networking"}


@pytest.fixture(scope="module")
def pods(synthesize: Synthesize) -> Synthesized:
    return synthesize(ENVIRONMENT)


@pytest.fixture(scope="module")
def items(pods: Synthesized) -> dict[str, Any]:
    listed = json.loads(pods.show(pods.stacks["Web"]["Outputs"]["PodsPoolManifests"]["Value"]))
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    return {each["kind"]: each for each in listed["items"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifests_are_valid_by_the_schemas_of_kubernetes(
    items: dict[str, Any], version: str
) -> None:
    for kind, manifest in items.items():
        if kind != "TargetGroupBinding":
            kubernetes_validate.validate(manifest, version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        wrong = {**items["Deployment"], "spec": {**items["Deployment"]["spec"], "replica": 1}}
        kubernetes_validate.validate(wrong, version, strict=True)


def test_all_objects_are_one_pools_and_find_each_other(items: dict[str, Any]) -> None:
    assert {
        (each["metadata"]["name"], each["metadata"]["namespace"]) for each in items.values()
    } == {(NAME, "chat")}
    template = items["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    for selector in (
        items["Service"]["spec"]["selector"],
        items["Deployment"]["spec"]["selector"]["matchLabels"],
        items["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        template["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels
    scaler = items["HorizontalPodAutoscaler"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == NAME
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 6)
    assert "replicas" not in items["Deployment"]["spec"], "an apply would undo the autoscaler"
    assert template["spec"]["serviceAccountName"] == NAME


def test_the_binding_registers_the_pods_in_the_pools_target_group(
    pods: Synthesized, items: dict[str, Any]
) -> None:
    spec = items["TargetGroupBinding"]["spec"]
    assert items["TargetGroupBinding"]["apiVersion"] == "elbv2.k8s.aws/v1beta1"
    assert set(spec) == BINDING
    group = pods.target_group("pods")
    assert spec["targetGroupARN"] == f"<{group.name}>"
    assert spec["serviceRef"] == {
        "name": NAME,
        "port": items["Service"]["spec"]["ports"][0]["port"],
    }
    (rule,) = spec["networking"]["ingress"]
    assert "LoadBalancer" in rule["from"][0]["securityGroup"]["groupID"]
    assert rule["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_the_balancer_reaches_pods_of_a_network_whose_addresses_nobody_knows(
    synthesize: Synthesize,
) -> None:
    made = synthesize(ELSEWHERE)
    (leaving,) = (
        rule
        for group in made.all("AWS::EC2::SecurityGroup")
        for rule in group.properties.get("SecurityGroupEgress", ())
        if rule["IpProtocol"] == "tcp"
    )
    assert (leaving["FromPort"], leaving["ToPort"]) == (8080, 8080)
    assert leaving["CidrIp"] == "0.0.0.0/0"


def test_names_in_the_cluster_are_lower_case_whatever_the_project_s(
    synthesize: Synthesize,
) -> None:
    made = synthesize(ELSEWHERE)
    listed = json.loads(made.show(made.stacks["Web"]["Outputs"]["PodsPoolManifests"]["Value"]))
    assert {each["metadata"]["name"] for each in listed["items"]} == {"chat-perf-pods"}
    identity = made.one("AWS::EKS::PodIdentityAssociation").properties
    assert identity["ServiceAccount"] == "chat-perf-pods"


def test_requests_are_forwarded_to_the_pods_by_weight(pods: Synthesized) -> None:
    rule = pods.one("AWS::ElasticLoadBalancingV2::ListenerRule").properties
    groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    weights = {pods.show(each["TargetGroupArn"]): each["Weight"] for each in groups}
    assert {("Pods" in name, weight) for name, weight in weights.items()} == {(False, 1), (True, 2)}
    listener = pods.one("AWS::ElasticLoadBalancingV2::Listener").properties
    (page,) = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
    assert "Pods" in pods.show(page["TargetGroupArn"]), "pods serve the page, as containers do"
    assert not pods.all("AWS::ECS::Cluster")


def test_a_pod_has_the_variables_of_a_task(items: dict[str, Any]) -> None:
    (container,) = items["Deployment"]["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    settings = Settings(variables)
    assert settings["POOL_NAME"] == "pods"
    assert settings.region == "<AWS::Region>"
    for name in ("USERS_TABLE", "CHATS_TABLE", "USER_POOL_ID", "TOKEN_ISSUER", "FILES_BUCKET"):
        assert settings[name]


def test_only_pods_of_the_service_account_in_the_cluster_get_the_role(pods: Synthesized) -> None:
    identity = pods.one("AWS::EKS::PodIdentityAssociation").properties
    assert (identity["ClusterName"], identity["Namespace"]) == ("shared", "chat")
    assert identity["ServiceAccount"] == NAME
    (role,) = [each for each in pods.all("AWS::IAM::Role") if "PodsPool" in each.logical_id]
    (statement,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
    assert set(statement["Action"]) == {"sts:AssumeRole", "sts:TagSession"}
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "shared",
        "aws:RequestTag/kubernetes-namespace": "chat",
        "aws:RequestTag/kubernetes-service-account": NAME,
    }


def test_a_pod_that_leaves_serves_until_it_is_drained_and_then_ends(items: dict[str, Any]) -> None:
    pod = items["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    slept = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert slept > DEV.load_balancer.deregistration_delay
    assert pod["terminationGracePeriodSeconds"] - slept > int(variables["FINISH_SECONDS"])
    rolling = items["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert rolling["maxUnavailable"] == 0


@rows(
    ("field", "value"),
    [
        ("cluster", ""),
        ("cluster", "a b"),
        ("cluster", "x" * 101),
        ("namespace", "Chat"),
        ("namespace", "-chat"),
        ("namespace", "x" * 64),
        ("cpu", 0),
        ("memory", 64),
        ("min", 0),
        ("max", 1),
        ("weight", 1_000),
        ("cpu_target", 100),
        ("stop_timeout", 5),
        ("name", "lambda"),
    ],
)
def test_what_kubernetes_or_aws_would_reject_is_rejected_at_synth(field: str, value: Any) -> None:
    with pytest.raises(ConfigError) as rejected:
        replace(PODS, **{field: value})
    assert field in str(rejected.value)


def test_settings_of_targets_act_on_pods_and_the_network_load_balancer_does_not() -> None:
    smooth = replace(ENVIRONMENT, load_balancer=LoadBalancer(plain_http=True, slow_start=60))
    assert smooth.load_balancer.slow_start == 60
    with pytest.raises(ConfigError, match="container pool"):
        replace(ENVIRONMENT, load_balancer=LoadBalancer(plain_http=True, ip_hash=True))


def test_the_pool_has_the_alarms_and_graphs_of_a_container_pool(pods: Synthesized) -> None:
    names = {each.name for each in pods.all("AWS::CloudWatch::Alarm")}
    assert {"AlarmspodsUnhealthy", "AlarmspodsTasks"} <= names
    graphs = pods.show(pods.one("AWS::CloudWatch::Dashboard").properties["DashboardBody"])
    for title in ("Requests per target", "Healthy targets", "5xx by pool"):
        assert title in graphs
