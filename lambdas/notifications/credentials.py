"""Attributes of SNS platform applications, from the secrets with their credentials. No I/O.

A platform whose secret is empty gets no application, and push for it is off. The attributes:
docs.aws.amazon.com/sns/latest/api/API_CreatePlatformApplication.html
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

# SNS's error codes, as in its API reference and as in its service model
GONE = frozenset({"NotFound", "NotFoundException"})
INVALID = frozenset({"InvalidParameter", "InvalidParameterException"})
DENIED = frozenset({"AuthorizationError", "AuthorizationErrorException", "AccessDeniedException"})
NO_ROLE = "is not a valid role"  # in the message of INVALID, about a role for feedback

FCM_FIELDS = ("project_id", "client_email", "private_key")
APNS_FIELDS = {
    "PlatformPrincipal": "key_id",
    "PlatformCredential": "signing_key",
    "ApplePlatformTeamID": "team_id",
    "ApplePlatformBundleID": "bundle_id",
}


class Platform(NamedTuple):
    """One of the platforms: its names here, in SNS, and in the custom resource."""

    suffix: str
    sns: str
    secret: str  # the property with the secret's ARN


PLATFORMS = (
    Platform("fcm", "GCM", "FcmSecretArn"),
    Platform("apns", "APNS", "ApnsSecretArn"),
    Platform("apns-sandbox", "APNS_SANDBOX", "ApnsSandboxSecretArn"),
)


class DeploymentError(Exception):
    """An error that the operator has to correct; CloudFormation's event list shows the text."""


def application_attributes(platform: Platform, secret: str) -> dict[str, str] | None:
    """None for an empty secret. Raises DeploymentError, without quoting the secret."""
    if secret.strip() in ("", "{}"):
        return None
    try:
        credential = json.loads(secret)
    except ValueError:
        raise DeploymentError(f"the secret in {platform.secret} is not JSON") from None
    if not isinstance(credential, dict):
        raise DeploymentError(f"the secret in {platform.secret} is not a JSON object")
    fields = FCM_FIELDS if platform.sns == "GCM" else tuple(APNS_FIELDS.values())
    lacking = [name for name in fields if not _is_text(credential.get(name))]
    if lacking:
        raise DeploymentError(f"the secret in {platform.secret} lacks {', '.join(lacking)}")
    if platform.sns == "GCM":  # the service account's JSON as it is: FCM v1, token authentication
        return {"PlatformCredential": secret}
    return {attribute: credential[name] for attribute, name in APNS_FIELDS.items()}


def may_be_too_new(code: str, message: str) -> bool:
    """Whether a call may have failed because IAM has not spread a role or a permission yet.

    The same deployment makes them, seconds before, and both take a while to be known everywhere:
    docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (eventual consistency). SNS has no
    code of its own for such a role.
    """
    return code in DENIED or (code in INVALID and NO_ROLE in message)


def feedback_attributes(properties: Mapping[str, Any]) -> dict[str, str]:
    """The attributes by which SNS logs the responses of platforms; empty roles end that."""
    role = properties.get("FeedbackRoleArn", "")
    roles = {"SuccessFeedbackRoleArn": role, "FailureFeedbackRoleArn": role}
    # "" is no sample rate, so that it stays where there is no role
    return roles | (
        {"SuccessFeedbackSampleRate": str(properties["FeedbackPercent"])} if role else {}
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def application_arn(stack_id: str, platform: Platform, prefix: str) -> str:
    """The ARN of the application, in the stack's account and region."""
    _, partition, _, region, account, *_ = stack_id.split(":")
    return f"arn:{partition}:sns:{region}:{account}:app/{platform.sns}/{name_of(platform, prefix)}"


def name_of(platform: Platform, prefix: str) -> str:
    return f"{prefix}-{platform.suffix}"
