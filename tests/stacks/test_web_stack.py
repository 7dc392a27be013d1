"""The load balancer, its pools, their network, dashboard and alarms in the templates."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from stacks.config.environments import DEV
from stacks.config.pools import LambdaPool
from tests.stacks.complete import CERTIFICATE
from tests.stacks.shared_environments import CONTAINERS_ONLY, IN_TASKS, with_domain
from tests.stacks.synthesized import Synthesize, Synthesized


def test_the_api_is_forwarded_to_all_pools_by_their_weights(prod: Synthesized) -> None:
    rule = prod.one("AWS::ElasticLoadBalancingV2::ListenerRule").properties
    (condition,) = rule["Conditions"]
    assert condition["PathPatternConfig"]["Values"] == ["/api/*"]
    assert _weights(prod, rule["Actions"]) == {"lambda": 1, "large": 5, "small": 2}


def test_everything_else_goes_to_the_containers(prod: Synthesized) -> None:
    listener = prod.one("AWS::ElasticLoadBalancingV2::Listener").properties
    assert _weights(prod, listener["DefaultActions"]) == {"large": 5, "small": 2}


def test_everything_else_goes_to_the_lambda_where_there_are_no_containers(
    synthesize: Synthesize,
) -> None:
    alone = synthesize(replace(DEV, pools=(LambdaPool(weight=1),)))
    listener = alone.one("AWS::ElasticLoadBalancingV2::Listener").properties
    assert _weights(alone, listener["DefaultActions"]) == {"lambda": 1}
    assert not alone.all("AWS::ECS::Cluster")


def test_an_environment_may_have_containers_only(synthesize: Synthesize) -> None:
    containers = synthesize(CONTAINERS_ONLY)
    assert {group["pool"] for group in _pools(containers)} == {"small"}
    assert "ApiFunction" not in {each.name for each in containers.all("AWS::Lambda::Function")}


def test_a_certificate_makes_http_redirect_to_https(synthesize: Synthesize) -> None:
    secure = synthesize(with_domain(CERTIFICATE))
    listeners = {
        each.properties["Port"]: each.properties
        for each in secure.all("AWS::ElasticLoadBalancingV2::Listener")
    }
    (redirect,) = listeners[80]["DefaultActions"]
    assert redirect["RedirectConfig"]["Protocol"] == "HTTPS"
    assert listeners[443]["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    assert listeners[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    rule = secure.one("AWS::ElasticLoadBalancingV2::ListenerRule").properties
    assert "Https" in secure.show(rule["ListenerArn"])


@pytest.mark.parametrize(
    ("arn", "scheme"),
    [pytest.param(None, "http", marks=pytest.mark.deep), (CERTIFICATE, "https")],
)
def test_clients_call_the_api_by_the_domain_whose_record_leads_to_the_balancer(
    dev: Synthesized, synthesize: Synthesize, arn: str | None, scheme: str
) -> None:
    own = "<LoadBalancer.DNSName>"
    assert _outputs(synthesize(with_domain(arn))) == {
        "ApiUrl": f"{scheme}://api.example.com",
        "LoadBalancerDnsName": own,
    }
    assert _outputs(dev) == {"ApiUrl": f"http://{own}"}


def test_a_container_gets_what_the_function_gets_but_its_pool_and_port(dev: Synthesized) -> None:
    (container,) = dev.one("AWS::ECS::TaskDefinition").properties["ContainerDefinitions"]
    given = {each["Name"]: dev.show(each["Value"]) for each in container["Environment"]}
    variables = dev.function("ApiFunction").properties["Environment"]["Variables"]
    api = {name: dev.show(value) for name, value in variables.items()}
    assert given == {
        **api,
        "POOL_NAME": "small",
        "PORT": "8080",
        "KEEP_ALIVE_SECONDS": "75",
        "FINISH_SECONDS": "25",
        "DIRECT_CLIENTS": "false",
    }
    assert container["Name"] == "api"
    assert container["PortMappings"] == [{"ContainerPort": 8080, "Protocol": "tcp"}]


def test_what_is_no_header_never_reaches_a_target(prod: Synthesized) -> None:
    """Two programs that read it in two ways are how requests are smuggled."""
    balancer = prod.one("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancer.attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_no_container_writes_to_its_own_disk(synthesize: Synthesize) -> None:
    tasks = synthesize(IN_TASKS).all("AWS::ECS::TaskDefinition")
    containers = [each for task in tasks for each in task.properties["ContainerDefinitions"]]
    assert len(tasks) > 1 and all(each["ReadonlyRootFilesystem"] is True for each in containers)


def test_a_failed_deployment_rolls_back_and_autoscaling_alone_sets_the_count(
    prod: Synthesized,
) -> None:
    for service in prod.all("AWS::ECS::Service"):
        deployment = service.properties["DeploymentConfiguration"]
        assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
        assert deployment["MinimumHealthyPercent"] == 100
        assert "DesiredCount" not in service.properties


def test_dev_has_a_lambda_pool_and_two_containers(dev: Synthesized) -> None:
    assert {group["pool"] for group in _pools(dev)} == {"lambda", "small"}
    assert dev.one("AWS::ApplicationAutoScaling::ScalableTarget").properties["MinCapacity"] == 2


def test_without_a_nat_gateway_tasks_have_addresses_and_only_the_balancer_reaches_them(
    dev: Synthesized,
) -> None:
    service = dev.one("AWS::ECS::Service").properties
    network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "ENABLED"
    assert not dev.all("AWS::EC2::NatGateway")
    ingress = [each.properties for each in dev.all("AWS::EC2::SecurityGroupIngress")]
    assert [(each["FromPort"], "SourceSecurityGroupId" in each) for each in ingress] == [
        (8080, True)
    ]
    open_to_all = [
        each.name
        for each in dev.all("AWS::EC2::SecurityGroup")
        if each.properties.get("SecurityGroupIngress")
    ]
    assert open_to_all == ["LoadBalancerSecurityGroup"]


def test_with_nat_gateways_tasks_stand_in_private_subnets(prod: Synthesized) -> None:
    assert len(prod.all("AWS::EC2::NatGateway")) == 2
    for service in prod.all("AWS::ECS::Service"):
        network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network["AssignPublicIp"] == "DISABLED"
        assert all("private" in prod.show(subnet) for subnet in network["Subnets"])


def test_tables_and_image_layers_are_reached_without_leaving_the_network(dev: Synthesized) -> None:
    services = {
        dev.show(each.properties["ServiceName"]) for each in dev.all("AWS::EC2::VPCEndpoint")
    }
    prefix = "com.amazonaws.<AWS::Region>"
    assert services == {f"{prefix}.dynamodb", f"{prefix}.s3"}


def test_what_differs_by_environment_differs(dev: Synthesized, prod: Synthesized) -> None:
    for type, in_prod_only in (
        ("AWS::WAFv2::WebACL", True),
        ("AWS::EC2::FlowLog", True),
        ("AWS::KMS::Alias", True),
    ):
        assert bool(prod.all(type)) is in_prod_only
        assert not dev.all(type)


def test_the_dashboard_shows_what_happens_to_messages(dev: Synthesized) -> None:
    body = json.dumps(dev.one("AWS::CloudWatch::Dashboard").properties["DashboardBody"])
    for metric in (
        *("MessagesAccepted", "MessagesDelivered", "MessagesPurged", "ReceiptsMoved", "Nudges"),
        *(
            "PushesSent",
            "PushesFailed",
            "PushesRejected",
            "ApproximateAgeOfOldestMessage",
            "IteratorAge",
        ),
        *("TargetResponseTime", "RequestCountPerTarget", "Duration", "Errors"),
        *("TargetConnectionErrorCount", "RejectedConnectionCount", "CPUUtilization"),
    ):
        assert metric in body


def _outputs(environment: Synthesized) -> dict[str, str]:
    """Of the stack, without what others import or read."""
    return {
        name: environment.show(output["Value"])
        for name, output in environment.stacks["Web"]["Outputs"].items()
        if "Export" not in output and not name.startswith("PublishOutput")
    }


def _weights(environment: Synthesized, actions: list[Mapping[str, Any]]) -> dict[str, int]:
    (action,) = actions
    names = {f"<{group['resource'].name}>": group["pool"] for group in _pools(environment)}
    return {
        names[environment.show(each["TargetGroupArn"])]: each["Weight"]
        for each in action["ForwardConfig"]["TargetGroups"]
    }


def _pools(environment: Synthesized) -> list[dict[str, Any]]:
    return [
        {
            "pool": next(tag["Value"] for tag in group.properties["Tags"] if tag["Key"] == "pool"),
            "resource": group,
        }
        for group in environment.all("AWS::ElasticLoadBalancingV2::TargetGroup")
    ]
