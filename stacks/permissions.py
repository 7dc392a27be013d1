"""Who may do what: the one table of what each function and task may call, and on which resources.

A name in the middle column stands for what `Resources` maps it to in a stage. Nothing is granted
anywhere else, except what a service needs to run the thing at all (its log group, pulling its
image) and the key that a listed resource is encrypted with.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

Permissions = Mapping[str, tuple[str, ...]]

CONNECTIONS = ("execute-api:ManageConnections",)  # the resource's path says which of its calls
ENDPOINTS = (
    "sns:CreatePlatformEndpoint",
    "sns:GetEndpointAttributes",
    "sns:SetEndpointAttributes",
    "sns:DeleteEndpoint",
)

PERMISSIONS: Mapping[str, Permissions] = {
    "Authorize": {
        "tickets": ("dynamodb:DeleteItem",),
    },
    "Connection": {
        "users": ("dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query"),
        "post_to_connections": CONNECTIONS,
        "close_connections": CONNECTIONS,
    },
    "Presence": {
        "users": (
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:PutItem",
            "dynamodb:BatchWriteItem",
        ),
        "post_to_connections": CONNECTIONS,
    },
    "Send": {
        "chats": ("dynamodb:PutItem", "dynamodb:UpdateItem"),
        "users": ("dynamodb:BatchGetItem", "dynamodb:UpdateItem"),
        "push_queue": ("sqs:SendMessage",),
        "post_to_connections": CONNECTIONS,
    },
    "Sync": {
        "chats": ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
        "users": (
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ),
        "post_to_connections": CONNECTIONS,
    },
    "Receipt": {
        "chats": ("dynamodb:GetItem", "dynamodb:UpdateItem"),
        "users": ("dynamodb:BatchGetItem", "dynamodb:UpdateItem"),
        "post_to_connections": CONNECTIONS,
    },
    "DeliveryWatch": {
        "chats_stream": (
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
        ),
        "any_stream": ("dynamodb:ListStreams",),
        "chats": (
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
        ),
        "users": ("dynamodb:BatchGetItem", "dynamodb:UpdateItem"),
        "push_queue": ("sqs:SendMessage",),
        "stream_failures": ("sqs:SendMessage",),
        "post_to_connections": CONNECTIONS,
    },
    "Push": {
        "push_queue": (
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
        ),
        "users": ("dynamodb:GetItem", "dynamodb:UpdateItem"),
        "platform_endpoints": ("sns:Publish",),
    },
    "PlatformApplications": {
        "any_platform_application": ("sns:CreatePlatformApplication",),
        "platform_applications": (
            "sns:GetPlatformApplicationAttributes",
            "sns:SetPlatformApplicationAttributes",
            "sns:DeletePlatformApplication",
        ),
        "push_credentials": ("secretsmanager:GetSecretValue",),
    },
    # the same application in both kinds of pool: the Lambda's role and the task roles
    "Api": {
        "chats": (
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
        ),
        "users": (
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
        ),
        "tickets": ("dynamodb:PutItem",),
        "user_pool": ("cognito-idp:AdminConfirmSignUp",),
        "platform_applications": ENDPOINTS,
        "platform_endpoints": ENDPOINTS,
        "post_to_connections": CONNECTIONS,
    },
}


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
