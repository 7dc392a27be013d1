"""What SNS is told about a push platform, from the secret with its credential. No I/O.

A platform whose secret is empty gets no application, and push for it is off. The attributes:
docs.aws.amazon.com/sns/latest/api/API_CreatePlatformApplication.html
"""

import json
from typing import Any, NamedTuple

# SNS's error codes, as its API reference writes them and as its service model does
GONE = frozenset({"NotFound", "NotFoundException"})
INVALID = frozenset({"InvalidParameter", "InvalidParameterException"})

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


class Refused(Exception):
    """Something the operator has to put right; the text is for CloudFormation's event list."""


def application_attributes(platform: Platform, secret: str) -> dict[str, str] | None:
    """What SNS is given; None for an empty secret. Raises Refused, without quoting the secret."""
    if secret.strip() in ("", "{}"):
        return None
    try:
        credential = json.loads(secret)
    except ValueError:
        raise Refused(f"the secret in {platform.secret} is not JSON") from None
    if not isinstance(credential, dict):
        raise Refused(f"the secret in {platform.secret} is not a JSON object")
    fields = FCM_FIELDS if platform.sns == "GCM" else tuple(APNS_FIELDS.values())
    lacking = [name for name in fields if not _is_text(credential.get(name))]
    if lacking:
        raise Refused(f"the secret in {platform.secret} lacks {', '.join(lacking)}")
    if platform.sns == "GCM":  # the service account's JSON as it is: FCM v1, token authentication
        return {"PlatformCredential": secret}
    return {attribute: credential[name] for attribute, name in APNS_FIELDS.items()}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def application_arn(stack_id: str, platform: Platform, prefix: str) -> str:
    """The application's ARN follows from its name: it lies where the stack lies."""
    _, partition, _, region, account, *_ = stack_id.split(":")
    return f"arn:{partition}:sns:{region}:{account}:app/{platform.sns}/{name_of(platform, prefix)}"


def name_of(platform: Platform, prefix: str) -> str:
    return f"{prefix}-{platform.suffix}"
