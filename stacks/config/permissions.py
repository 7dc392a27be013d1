"""IAM permissions: which actions each function and task may call, and on which resources.

Function -> resource -> actions. The stacks map each resource's name to ARNs (`resources` in each;
constructs/grants.py). Nothing is granted anywhere else, except what running needs (the log group,
pulling the image) and the key that a listed resource is encrypted with.

Transactions need no permission of their own: each of their actions needs its own.
"""

from collections.abc import Iterable, Mapping

Permissions = Mapping[str, tuple[str, ...]]

CONNECTIONS = ("execute-api:ManageConnections",)  # the resource's path has the method

# A function that posts also ends the leases of lost connections, and notifies the watchers of their
# users.
POSTING = ("dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:Query")

PERMISSIONS: Mapping[str, Permissions] = {
    "Authorize": {
        "tickets": ("dynamodb:DeleteItem",),
    },
    "Connection": {
        "users": POSTING,
        "post_to_connections": CONNECTIONS,
        "close_connections": CONNECTIONS,
    },
    "Presence": {
        # counts watches in a limit
        "users": ("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem"),
        "post_to_connections": CONNECTIONS,
        "close_connections": CONNECTIONS,
    },
    "Send": {
        "chats": ("dynamodb:UpdateItem", "dynamodb:PutItem"),
        "users": POSTING,
        "push_queue": ("sqs:SendMessage",),
        "post_to_connections": CONNECTIONS,
        "close_connections": CONNECTIONS,
    },
    "Sync": {
        # puts a void item where no message stands, before it passes
        "chats": (
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
        ),
        "users": POSTING,
        "post_to_connections": CONNECTIONS,
        "close_connections": CONNECTIONS,
    },
    "Receipt": {
        "chats": ("dynamodb:GetItem", "dynamodb:UpdateItem"),
        "users": (*POSTING, "dynamodb:GetItem"),
        "push_queue": ("sqs:SendMessage",),
        "post_to_connections": CONNECTIONS,
        "close_connections": CONNECTIONS,
    },
    "DeliveryWatch": {
        "chats_stream": (
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
        ),
        "any_stream": ("dynamodb:ListStreams",),
        "stream_failures": ("sqs:SendMessage",),
        "chats": ("dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"),
        "users": POSTING,
        "push_queue": ("sqs:SendMessage",),
        "post_to_connections": CONNECTIONS,
    },
    "Push": {
        "push_queue": (
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
        ),
        "chats": ("dynamodb:BatchGetItem", "dynamodb:Query"),
        # deletes who holds an endpoint that has ended
        "users": (
            "dynamodb:BatchGetItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:Query",
        ),
        # SNS checks other calls about an endpoint on its application, and this one on either
        "platform_endpoints": ("sns:Publish",),
        "platform_applications": ("sns:Publish",),
        "web_push_key": ("kms:GetPublicKey", "kms:Sign"),
    },
    "PlatformApplications": {
        "any_platform_application": ("sns:CreatePlatformApplication",),
        "platform_applications": (
            "sns:GetPlatformApplicationAttributes",
            "sns:SetPlatformApplicationAttributes",
            "sns:DeletePlatformApplication",
        ),
        "push_credentials": ("secretsmanager:GetSecretValue",),
        "push_feedback": ("iam:PassRole",),  # by which SNS logs what became of pushes
        "own_stack": ("cloudformation:DescribeStacks",),
    },
    "Operator": {
        "chats": (
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        ),
        "users": (
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
        ),
        "user_pool": (
            "cognito-idp:AdminDisableUser",
            "cognito-idp:AdminEnableUser",
            "cognito-idp:AdminGetUser",
            "cognito-idp:AdminUserGlobalSignOut",
            "cognito-idp:AdminDeleteUser",
        ),
        "platform_applications": ("sns:DeleteEndpoint",),
        "post_to_connections": CONNECTIONS,
        "close_connections": CONNECTIONS,
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
        "user_pool": (
            "cognito-idp:AdminConfirmSignUp",
            "cognito-idp:AdminGetUser",
            "cognito-idp:AdminUserGlobalSignOut",
            "cognito-idp:AdminDeleteUser",
        ),
        "platform_applications": (
            "sns:CreatePlatformEndpoint",
            "sns:SetEndpointAttributes",
            "sns:DeleteEndpoint",
        ),
        # of presigned requests, which clients send; the bucket's prefix for files
        "files": ("s3:PutObject", "s3:GetObject"),
        "web_push_key": ("kms:GetPublicKey",),
        "post_to_connections": CONNECTIONS,
        "close_connections": CONNECTIONS,
    },
}

# Permissions for API Gateway, replaced where tasks hold the sockets: there, posts are signed with a
# key.
OF_API_GATEWAY = ("post_to_connections", "close_connections")
SIGNING: Permissions = {"connections_key": ("secretsmanager:GetSecretValue",)}
# In addition to the permissions of the functions that the tasks run. A task asks whether it is
# being drained.
SOCKET_TASKS: Permissions = {
    **SIGNING,
    "any_target_group": ("elasticloadbalancing:DescribeTargetHealth",),
}


def permissions_of(name: str, *, in_containers: bool) -> Permissions:
    """The permissions of a function; they depend on what holds the sockets."""
    row = PERMISSIONS[name]
    if not in_containers or not set(OF_API_GATEWAY) & set(row):
        return row
    return {**{each: row[each] for each in row if each not in OF_API_GATEWAY}, **SIGNING}


def of_socket_tasks(functions: Iterable[str]) -> Permissions:
    """The permissions of a task that holds sockets: those of all functions that it runs, and its
    own.
    """
    together: dict[str, tuple[str, ...]] = {}
    for name in functions:
        for resource, actions in permissions_of(name, in_containers=True).items():
            known = together.get(resource, ())
            together[resource] = tuple(dict.fromkeys((*known, *actions)))
    return {**together, **SOCKET_TASKS}
