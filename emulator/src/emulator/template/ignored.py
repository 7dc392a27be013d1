"""Resource types that mean nothing on a laptop, each with its reason.

A type that is neither here nor made by a provider stops the emulator: what is deployed but not run
must be a decision that somebody wrote down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.providers import Created
from emulator.resource import Resource
from emulator.template.place import partition_of

_NETWORK = "everything runs on the loopback interface"
_BACKED_UP = "the data is in files; nobody copies them"
_SHIFTED = "what is started has one version, and all requests"
_OBSERVED = "functions print their logs into files, and the terminal shows what alarms notify of"

IGNORED: Mapping[str, str] = {
    "AWS::ApiGateway::Account": _OBSERVED,
    "AWS::Backup::BackupPlan": _BACKED_UP,
    "AWS::Backup::BackupSelection": _BACKED_UP,
    "AWS::Backup::BackupVault": _BACKED_UP,
    "AWS::Budgets::Budget": "nothing costs here",
    "AWS::CDK::Metadata": "counts deployments",
    "AWS::CertificateManager::Certificate": "nothing here has TLS",
    "AWS::CloudFront::MonitoringSubscription": _OBSERVED,
    "AWS::CodeDeploy::Application": _SHIFTED,
    "AWS::CodeDeploy::DeploymentConfig": _SHIFTED,
    "AWS::CodeDeploy::DeploymentGroup": _SHIFTED,
    "AWS::EC2::EIP": _NETWORK,
    "AWS::EC2::FlowLog": _NETWORK,
    "AWS::EC2::InternetGateway": _NETWORK,
    "AWS::EC2::NatGateway": _NETWORK,
    "AWS::EC2::Route": _NETWORK,
    "AWS::EC2::RouteTable": _NETWORK,
    "AWS::EC2::SecurityGroup": _NETWORK,
    "AWS::EC2::SecurityGroupEgress": _NETWORK,
    "AWS::EC2::SecurityGroupIngress": _NETWORK,
    "AWS::EC2::Subnet": _NETWORK,
    "AWS::EC2::SubnetRouteTableAssociation": _NETWORK,
    "AWS::EC2::VPC": _NETWORK,
    "AWS::EC2::VPCEndpoint": _NETWORK,
    "AWS::EC2::VPCGatewayAttachment": _NETWORK,
    "AWS::ECS::ClusterCapacityProviderAssociations": "tasks are processes of this machine",
    "AWS::IAM::OIDCProvider": "nobody signs in from outside",
    "AWS::Lambda::CodeSigningConfig": "functions are files of this machine",
    "AWS::Logs::QueryDefinition": _OBSERVED,
    "AWS::Route53::RecordSet": "no name is resolved here; hosts are the template's names as well",
    "AWS::SNS::Subscription": _OBSERVED,
    "AWS::WAFv2::WebACL": "the local balancer filters nothing",
    "AWS::WAFv2::WebACLAssociation": "the local balancer filters nothing",
}

# Of these, what makes requests end differently than in a deployment: reported at each start.
# Rejecting them, as the emulator does elsewhere, would keep it from running staging and prod, which
# have them.
_MISSED: Mapping[str, str] = {
    "AWS::CloudFront::Distribution": "CloudFront is not supported: its load balancer is called "
    "directly, and nothing is cached",
    "AWS::WAFv2::WebACLAssociation": "AWS WAF is not supported: no request is filtered here",
}


_STAGE = "AWS::ApiGatewayV2::Stage"


def _throttles(stage: Mapping[str, Any]) -> bool:
    """Whether it sets ThrottlingBurstLimit or ThrottlingRateLimit, for all routes or for one."""
    settings = [
        stage.get("DefaultRouteSettings") or {},
        *(stage.get("RouteSettings") or {}).values(),
    ]
    return any(name.startswith("Throttling") for each in settings for name in each)


def missed(resources: Iterable[Resource]) -> list[str]:
    """The unsupported features that a person who tries the system may miss, a line for each
    kind."""
    given = list(resources)
    types = {resource.type for resource in given}
    lines = [line for kind, line in _MISSED.items() if kind in types]
    if any(resource.properties.get("Protocol") == "HTTPS" for resource in given):
        lines.append("TLS is not supported: what the template serves by HTTPS is HTTP here")
    if any(_throttles(each.properties) for each in given if each.type == _STAGE):
        lines.append("throttling of a WebSocket API is not supported: no frame is rejected for it")
    boundaries = [each.properties.get("PermissionsBoundary") for each in given]  # or an intrinsic
    foreign = {each for each in boundaries if isinstance(each, str) and ":aws:policy/" not in each}
    lines += [f"{each} is not in the templates: it limits nobody here" for each in sorted(foreign)]
    return lines


class Names(dict[str, str]):
    """Attributes of a resource that was not made: each asked for is a plausible name."""

    def __init__(self, resource: Resource, region: str, account: str) -> None:
        super().__init__()
        _, service, kind = resource.type.split("::")
        self._name = resource.logical_id
        self._arn = (
            f"arn:{partition_of(region)}:{service.lower()}"
            f":{'' if service == 'IAM' else region}:{account}"
            f":{kind.lower()}/"
            f"{resource.stack}-{resource.logical_id}"
        )

    def __missing__(self, attribute: str) -> str:
        return self._arn if attribute.endswith("Arn") else f"{self._name}.{attribute}"

    def __contains__(self, attribute: object) -> bool:
        return True


def named(resource: Resource, region: str, account: str) -> Created:
    """The values of Ref and Fn::GetAtt for a resource that has no local meaning."""
    return Created(f"{resource.stack}-{resource.logical_id}", Names(resource, region, account))
