"""Policy statements from the table of permissions, on the resources of a stage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.config.permissions import Permissions


@dataclass(frozen=True)
class Resource:
    """The ARNs of a name in the table, and the key they are encrypted with, if it is the stack's.

    Without ARNs the environment has no such thing, and nothing is granted. `service` is the one
    through which that key may be used. `other_keys` are ARNs of further keys that some of them are
    encrypted with.
    """

    arns: tuple[str, ...]
    key: kms.IKey | None = None
    service: str = ""
    other_keys: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return (*((self.key.key_arn,) if self.key else ()), *self.other_keys)


Resources = Mapping[str, Resource]

# What a caller needs on the key of an encrypted table or secret: the service uses it on its behalf.
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
    """One statement per resource, and one for each service through which keys are used."""
    keys: dict[str, tuple[str, ...]] = {}
    for name, actions in permissions.items():
        resource = resources[name]
        if not resource.arns:
            continue
        yield iam.PolicyStatement(actions=list(actions), resources=list(resource.arns))
        if resource.keys:
            known = keys.get(resource.service, ())
            keys[resource.service] = tuple(dict.fromkeys((*known, *resource.keys)))
    for service, used in keys.items():
        via = f"{service}.{Aws.REGION}.{Aws.URL_SUFFIX}"
        yield iam.PolicyStatement(
            actions=list(_KEY_ACTIONS[service]),
            resources=list(used),
            conditions={"StringEquals": {"kms:ViaService": via}},
        )


def arn(scope: Construct, service: str, resource: str) -> str:
    """The ARN of a resource in the stack's own account and region."""
    region, account = Stack.of(scope).region, Stack.of(scope).account
    return f"arn:{Aws.PARTITION}:{service}:{region}:{account}:{resource}"
