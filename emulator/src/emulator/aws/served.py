"""The services and regions that the AWS endpoint serves; calls of others get an error with a
sentence.

moto has a backend for nearly every service and region, and each of them gives an empty list to
whoever looks for what the template made. That would be wrong.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from aiohttp import ClientSession, web

# By moto, as the template's resources of these services are made there.
MOTO = frozenset(
    {"cognito-idp", "dynamodb", "kms", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts"}
)
GLOBAL = frozenset({"s3", "sts"})  # their clients sign for one region of their own
# By the process that runs them: emulator.describe.
DESCRIBED = frozenset(
    {"apigateway", "cloudformation", "ecs", "elasticloadbalancing", "lambda", "logs", "monitoring"}
)
# Whose protocol is REST with XML, as `botocore` has it.
_XML = frozenset({"cloudfront", "route53"})
# Operations that moto has, about what the emulator does not keep: an empty list would be wrong.
# The policies of the template are known to what checks calls: emulator.iam.
_POLICIES = frozenset({"DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"})
NOT_STORED = {
    "dynamodb": frozenset(
        {
            "DescribeBackup",
            "DescribeContributorInsights",
            "DescribeExport",
            "DescribeImport",
            "ListBackups",
            "ListContributorInsights",
            "ListExports",
            "ListGlobalTables",
            "ListImports",
        }
        | _POLICIES
    ),
    "kms": frozenset({"GetKeyPolicy", "ListKeyPolicies", "PutKeyPolicy"}),
    "secretsmanager": _POLICIES | {"ValidateResourcePolicy"},
    "sns": frozenset(
        {
            "ListOriginationNumbers",
            "ListPhoneNumbersOptedOut",
            "ListSMSSandboxPhoneNumbers",
            "ListSubscriptions",
            "ListSubscriptionsByTopic",
        }
    ),
    "sts": frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}),
}
# Of Systems Manager there is the Parameter Store, with its tags.
_OF_PARAMETERS = re.compile(r"Parameter|^(?:Add|Remove|List)Tags(?:To|From|For)Resource$")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_SCOPE = re.compile(r"Credential=[^/]*/[0-9]+/([^/]+)/([^/]+)/aws4_request")
_PASSED_ON = ("Content-Type", "X-Amz-Target")


class Scope(NamedTuple):
    """The credential scope of a signature: its region and its service."""

    region: str
    service: str


def scope_of(headers: Mapping[str, str], query: str) -> Scope | None:
    """The credential scope of a request; None for one without a signature, as those of browsers
    are."""
    credential = headers.get("Authorization", "")
    if "X-Amz-Credential" in query:
        credential = f"Credential={parse_qs(query)['X-Amz-Credential'][0]}"
    found = _SCOPE.search(credential)
    return Scope(found[1], found[2]) if found else None


def operation_of(headers: Mapping[str, str], body: bytes) -> str:
    """Empty where it is in the path."""
    target = headers.get("X-Amz-Target", "").rpartition(".")[2]
    if target or "urlencoded" not in headers.get("Content-Type", ""):
        return target
    found = _ACTION.search(body)
    return found[1].decode() if found else ""


def uncompressed(headers: Mapping[str, str], scope: Scope | None, body: bytes) -> bytes:
    """SDKs compress long calls of PutMetricData, and no others: "Request compression", AWS SDKs
    and Tools Reference Guide."""
    if scope is None or scope.service not in DESCRIBED or headers.get("Content-Encoding") != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return body  # it is rejected as one that can not be read


def rejection(scope: Scope | None, region: str, operation: str = "") -> str | None:
    """Why the call gets an error; `region` is the environment's, empty where it is any."""
    if scope is None:  # two of STS's operations are not signed
        lacks = operation in NOT_STORED["sts"]
        return f"the emulator does not serve {operation} of sts" if lacks else None
    if scope.service not in MOTO | DESCRIBED:
        served = ", ".join(sorted(MOTO | DESCRIBED))
        return f"the emulator does not serve {scope.service}; it has {served}"
    if operation in NOT_STORED.get(scope.service, ()):
        return f"the emulator does not serve {operation} of {scope.service}"
    if scope.service == "ssm" and operation and not _OF_PARAMETERS.search(operation):
        return f"the emulator does not serve {operation} of ssm: it has parameters alone"
    if region and scope.region != region and scope.service not in GLOBAL:
        return f"this environment is in {region}, not in {scope.region}: use --region {region}"
    return None


def rejected(headers: Mapping[str, str], why: str) -> web.Response:
    """The error response, in the form of the caller's protocol, so that the caller shows the
    sentence."""
    code = "NotServedByTheEmulator"
    if "urlencoded" in headers.get("Content-Type", "") or _speaks_xml(headers):
        return in_xml(400, code, why)
    document = {"__type": code, "message": why}
    return web.json_response(document, status=400, headers={"x-amzn-ErrorType": code})


def _speaks_xml(headers: Mapping[str, str]) -> bool:
    """Whether an unsupported service has errors in XML; not S3, which has no such errors."""
    scope = scope_of(headers, "")
    return scope is not None and scope.service in _XML


def in_xml(status: int, code: str, why: str) -> web.Response:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(why)}</Message></Error>"
    text = f"<ErrorResponse>{error}<RequestId>local</RequestId></ErrorResponse>"
    return web.Response(status=status, text=text, content_type="text/xml")


async def described(request: web.Request, scope: Scope, body: bytes, url: str) -> web.Response:
    """The response of `emulator.describe` at `url`."""
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    target = f"{url}/_describe/{scope.service}{request.raw_path}"
    async with (
        ClientSession() as session,
        session.request(request.method, target, data=body, headers=headers) as found,
    ):
        more = {
            k: v
            for k, v in found.headers.items()
            if k.lower() in ("content-type", "x-amzn-errortype")
        }
        return web.Response(status=found.status, body=await found.read(), headers=more)


def nothing_runs(service: str) -> str:
    """The error of describing calls for a server without an environment, as tests of functions
    start it."""
    return json.dumps(f"nothing runs here that {service} could describe")[1:-1]
