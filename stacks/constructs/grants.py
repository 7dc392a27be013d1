"""From the table of permissions to policy statements on the resources of a stage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.permissions import Permissions


@dataclass(frozen=True)
class Resource:
    """ARNs that a name in the table stands for, and the key they are encrypted with, if it is ours.

    `service` is the one through which that key may be used.
    """

    arns: tuple[str, ...]
    key: kms.IKey | None = None
    service: str = ""


Resources = Mapping[str, Resource]

# What a caller needs on the key of an encrypted table or secret; the service calls in its name.
_KEY_ACTIONS = {
    "dynamodb": (
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ),
    "secretsmanager": ("kms:Decrypt",),
}


def statements(permissions: Permissions, resources: Resources) -> Iterator[iam.PolicyStatement]:
    """One statement a row, and one for each service through which a key is used."""
    keys: dict[str, kms.IKey] = {}
    for name, actions in permissions.items():
        resource = resources[name]
        yield iam.PolicyStatement(actions=list(actions), resources=list(resource.arns))
        if resource.key:
            keys[resource.service] = resource.key
    for service, key in keys.items():
        via = f"{service}.{Aws.REGION}.{Aws.URL_SUFFIX}"
        yield iam.PolicyStatement(
            actions=list(_KEY_ACTIONS[service]),
            resources=[key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": via}},
        )


def arn(scope: Construct, service: str, resource: str) -> str:
    """Of something in the stack's own account and region."""
    region, account = Stack.of(scope).region, Stack.of(scope).account
    return f"arn:{Aws.PARTITION}:{service}:{region}:{account}:{resource}"
