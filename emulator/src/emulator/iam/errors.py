"""The errors of requests that are not authorized, in the shape of each service. No I/O.

Sources: docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html (messages), each
service's page of common errors, and for the codes and spellings that these leave out, reports of
AWS's users: SQS (github.com/aws/serverless-application-model/issues/3633), SNS
(github.com/aws-ia/terraform-aws-control_tower_account_factory/issues/151), API Gateway
(github.com/aws/aws-cdk/issues/18410).
"""

from __future__ import annotations

import json
import secrets
from typing import NamedTuple
from xml.sax.saxutils import escape

from emulator.iam.authority import Denial
from emulator.iam.calls.call import JSON, QUERY, S3, Call

_INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105
_UNKNOWN_KEY = "The AWS Access Key Id you provided does not exist in our records."
_MISSING = "Request is missing Authentication Token"
_JSON_VERSIONS = {"dynamodb": "1.0", "sqs": "1.0"}


class Error(NamedTuple):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


def denied(call: Call, denial: Denial) -> Error:
    """The error AccessDenied in the service's form."""
    match call.service:
        case "sqs":
            action = denial.action.lower()  # sqs:sendmessage
            return _shaped(call, 403, "AccessDenied", denial.worded(action))
        case "sns":
            action = denial.action.replace("sns:", "SNS:")
            return _shaped(call, 403, "AuthorizationError", denial.worded(action))
        case "s3":
            quoted = denial.worded(denial.action, f'"{denial.resource}"')
            return _shaped(call, 403, "AccessDenied", quoted)
    if call.protocol == QUERY:
        return _shaped(call, 403, "AccessDenied", denial.message)
    status = 400 if call.protocol == JSON else 403
    return _shaped(call, status, "AccessDeniedException", denial.message)


def connections_denied(denial: Denial) -> Error:
    """The error of @connections, which names neither the account nor the connection."""
    parts = denial.resource.split(":")
    parts[4] = "*" * 8 + parts[4][-4:]
    before, _, _ = ":".join(parts).rpartition("/")
    message = denial.worded(denial.action, f"{before}/{{connectionId}}")
    return _rest(403, "AccessDeniedException", message, "Message")


def unknown_key(call: Call) -> Error:
    if call.service == "s3":
        return _shaped(call, 403, "InvalidAccessKeyId", _UNKNOWN_KEY)
    if call.protocol == QUERY or call.service == "sqs":
        return _shaped(call, 403, "InvalidClientTokenId", _INVALID_TOKEN)
    status = 400 if call.protocol == JSON else 403
    return _shaped(call, status, "UnrecognizedClientException", _INVALID_TOKEN)


def unknown_connections_key() -> Error:
    return _rest(403, "UnrecognizedClientException", _INVALID_TOKEN, "message")


def unsigned(call: Call) -> Error:
    """A request without credentials for an operation that needs them."""
    if call.protocol == QUERY or call.service == "sqs":
        return _shaped(call, 403, "MissingAuthenticationToken", _MISSING)
    status = 400 if call.protocol == JSON else 403
    return _shaped(call, status, "MissingAuthenticationTokenException", _MISSING)


def _shaped(call: Call, status: int, code: str, message: str) -> Error:
    if call.protocol == JSON:
        version = _JSON_VERSIONS.get(call.service, "1.1")
        headers = {"Content-Type": f"application/x-amz-json-{version}", **_id()}
        if call.service == "sqs":
            # awslabs.github.io/smithy/2.0/aws/protocols/aws-query-compatible: the code of old
            headers["x-amzn-query-error"] = f"{code};Sender"
        if call.service == "dynamodb":
            code = f"com.amazon.coral.service#{code}"
        document = {"__type": code, _field(call.service): message}
        return Error(status, headers, json.dumps(document).encode())
    if call.protocol == QUERY:
        return _xml(
            status,
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{secrets.token_hex(16)}</RequestId></ErrorResponse>",
        )
    if call.protocol == S3:
        text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        body = b"" if call.method == "HEAD" else text.encode()
        return Error(status, {"Content-Type": "application/xml"}, body)
    return _rest(status, code, message, "Message" if code == "AccessDeniedException" else "message")


def _rest(status: int, code: str, message: str, field: str) -> Error:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code, **_id()}
    return Error(status, headers, json.dumps({field: message}).encode())


def _xml(status: int, text: str) -> Error:
    return Error(status, {"Content-Type": "text/xml"}, text.encode())


def _field(service: str) -> str:
    """The name of the message's field, which services spell in two ways."""
    return "Message" if service in ("dynamodb", "secretsmanager") else "message"


def _id() -> dict[str, str]:
    return {"x-amzn-RequestId": secrets.token_hex(16)}
