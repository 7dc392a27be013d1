"""The table of services: whose calls need which actions on which resources.

A service that is not in it is decided by its action alone, whatever the resource: the emulator does
not know what its calls are about.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from emulator.iam.authority import ANY_RESOURCE, Need
from emulator.iam.calls import dynamodb, messaging, s3
from emulator.iam.calls.call import Call, Names, Place

# With an access token or none instead of a signature: docs.aws.amazon.com/cognito/latest/
# developerguide/authentication-flows-public-server-side.html, "authtype": "none" in the SDKs.
WITHOUT_SIGNATURE = frozenset(
    """
    AssociateSoftwareToken ChangePassword CompleteWebAuthnRegistration ConfirmDevice
    ConfirmForgotPassword ConfirmSignUp DeleteUser DeleteUserAttributes
    DeleteWebAuthnCredential ForgetDevice ForgotPassword GetDevice GetTokensFromRefreshToken
    GetUser GetUserAttributeVerificationCode GetUserAuthFactors GlobalSignOut InitiateAuth
    ListDevices ListWebAuthnCredentials ResendConfirmationCode RespondToAuthChallenge
    RevokeToken SetUserMFAPreference SetUserSettings SignUp StartWebAuthnRegistration
    UpdateAuthEventFeedback UpdateDeviceStatus UpdateUserAttributes VerifySoftwareToken
    VerifyUserAttribute
    """.split()  # noqa: SIM905  a list of thirty lines
)
_FUNCTION_PATH = re.compile(r"/20[\d-]+/functions/(?P<name>[^/]+)(?P<part>/[a-z]+/?)?[^/]*")
_OF_FUNCTIONS = {
    ("POST", "/invocations"): "InvokeFunction",
    ("GET", None): "GetFunction",
    ("GET", "/aliases"): "ListAliases",
    ("GET", "/aliases/"): "GetAlias",
    ("GET", "/concurrency"): "GetFunctionConcurrency",
    ("GET", "/configuration"): "GetFunctionConfiguration",
    ("GET", "/policy"): "GetPolicy",
    ("GET", "/versions"): "ListVersionsByFunction",
}
_BY_ID = (
    (re.compile(r"/2015-03-31/event-source-mappings/([^/]+)"), "GetEventSourceMapping"),
    (re.compile(r"/2017-03-31/tags/(.+)"), "ListTags"),
)
_LISTS = {
    "/2015-03-31/functions": "ListFunctions",
    "/2015-03-31/event-source-mappings": "ListEventSourceMappings",
}
_FUNCTION = re.compile(r"function:([\w-]+)")


def needs(call: Call, place: Place, names: Names, body: bytes) -> list[Need]:
    match call.service:
        case "dynamodb":
            return dynamodb.needs(call, place, names)
        case "sqs":
            return messaging.queue_needs(call, place, names)
        case "sns":
            return messaging.topic_needs(call, place)
        case "s3":
            return s3.needs(call, place.partition, body)
        case "cognito-idp":
            return _of_user_pool(call, place)
        case "secretsmanager":
            return _of_secret(call, place, names)
        case "ssm" if name := call.text("Name"):
            # docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
            arn = place.arn("ssm", f"parameter/{name.lstrip('/')}")
            return [Need(f"ssm:{call.operation}", (arn,))]
        case "kms":
            return _of_key(call, place, names)
        case "lambda":
            return _of_function(call, place)
        case "cloudformation":
            return _of_stack(call, place)
        case "sts" if call.operation == "GetCallerIdentity":
            return []  # "No permissions are required"
    return [_by_action(call)]


def _of_user_pool(call: Call, place: Place) -> list[Need]:
    """docs.aws.amazon.com/service-authorization/latest/reference/
    list_amazoncognitouserpools.html"""
    if call.operation in WITHOUT_SIGNATURE:
        return []
    pool = call.text("UserPoolId")
    arn = place.arn("cognito-idp", f"userpool/{pool}") if pool else call.text("ResourceArn")
    return [Need(f"cognito-idp:{call.operation}", (arn or "*",))]


def _of_secret(call: Call, place: Place, names: Names) -> list[Need]:
    """docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html"""

    def one(action: str, identifier: str) -> Need:
        arn = names.secret(identifier)
        if arn is None:
            known = identifier.startswith("arn:")
            arn = identifier if known else place.arn("secretsmanager", f"secret:{identifier}")
        stage = call.text("VersionStage")
        context = {"secretsmanager:secretid": [arn]}
        if stage:
            context["secretsmanager:versionstage"] = [stage]
        return Need(f"secretsmanager:{action}", (arn,), lambda: context)

    if call.operation == "BatchGetSecretValue":
        listed = [each for each in call.given.get("SecretIdList") or () if isinstance(each, str)]
        return [
            Need("secretsmanager:BatchGetSecretValue", ("*",)),
            *(one("GetSecretValue", each) for each in listed),
        ]
    if identifier := call.text("SecretId") or call.text("Name"):
        return [one(call.operation, identifier)]
    return [Need(f"secretsmanager:{call.operation}", ("*",))]


def _of_key(call: Call, place: Place, names: Names) -> list[Need]:
    """docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html;
    "the resource is always the key", also where an alias names it."""
    identifier = call.text("KeyId") or call.text("TargetKeyId")
    if not identifier:
        return [Need(f"kms:{call.operation}", ("*",))]
    arn = names.key(identifier) or place.arn("kms", f"key/{identifier}")
    context = {
        key: [call.text(name)]
        for key, name in (
            ("kms:messagetype", "MessageType"),
            ("kms:signingalgorithm", "SigningAlgorithm"),
        )
        if call.text(name)
    }
    return [Need(f"kms:{call.operation}", (arn,), lambda: context)]


def _of_function(call: Call, place: Place) -> list[Need]:
    """docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html; a qualifier
    is part of the resource of an invocation."""
    found = _FUNCTION_PATH.fullmatch(call.path)
    if found is None or (call.method, found["part"]) not in _OF_FUNCTIONS:
        listed = _LISTS.get(call.path.rstrip("/")) if call.method == "GET" else None
        for path, action in _BY_ID:
            if call.method == "GET" and (one := path.fullmatch(call.path)):
                identifier = unquote(one[1])
                arn = place.arn("lambda", f"event-source-mapping:{identifier}")
                known = identifier if identifier.startswith("arn:") else arn
                return [Need(f"lambda:{action}", (known,))]
        return [Need(f"lambda:{listed}", ("*",)) if listed else _by_action(call)]
    reference = unquote(found["name"])
    named = _FUNCTION.search(reference)
    name, _, version = (named[1] if named else reference).partition(":")
    qualifier = call.query.get("Qualifier", version)
    arn = place.arn("lambda", f"function:{name}" + (f":{qualifier}" if qualifier else ""))
    return [Need(f"lambda:{_OF_FUNCTIONS[call.method, found['part']]}", (arn,))]


def _by_action(call: Call) -> Need:
    return Need(f"{call.service}:{call.operation or call.method}", (ANY_RESOURCE,))


def _of_stack(call: Call, place: Place) -> list[Need]:
    """docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html"""
    named = call.text("StackName")
    if not named:
        return [Need(f"cloudformation:{call.operation}", ("*",))]
    arn = named if named.startswith("arn:") else place.arn("cloudformation", f"stack/{named}/*")
    return [Need(f"cloudformation:{call.operation}", (arn,))]
