"""AWS's errors for requests on which moto fails: the caller's mistakes, and so no 5xx, which SDKs
would repeat.

It is looked for after a failure, as it takes longer than the request. Sources: the services'
models;
docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html (NotFoundException),
docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html
(ResourceNotFoundException) and the like;
docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.validate import ParamValidator
from moto.core.utils import get_service_model

from emulator.aws.checks import constraints
from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.s3 import MALFORMED_XML
from emulator.aws.direct import region_of
from emulator.aws.s3_signatures import S3Error

SERIALIZATION = "SerializationException"
MALFORMED = (AttributeError, KeyError, RecursionError, TypeError, ValueError)
_SERVICES = {**constraints.SERVICES, "AmazonSQS": ("sqs", "MissingParameter")}
_PARTIQL = ("Statement", "Statements", "TransactStatements")
_ABSENT = {
    "AWSCognitoIdentityProviderService": "ResourceNotFoundException",
    "TrentService": "NotFoundException",
    "secretsmanager": "ResourceNotFoundException",
}
_KEY_ERROR = re.compile(r"KeyError: '(.*)'")
_MEMBER = re.compile(r"[A-Z][A-Za-z0-9]+")  # of a structure, as models name them
_TOKENS = {
    "AmazonSSM": "InvalidNextToken",
    "secretsmanager": "InvalidNextTokenException",
}
_NO_UPLOAD = S3Error(
    404,
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
    "been aborted or completed.",
)


def malformed(headers: Mapping[str, str], body: bytes) -> Rejection | None:
    """Of a request that is not as the service's model has it; None where it is."""
    service, _, operation = headers.get("X-Amz-Target", "").partition(".")
    if service not in _SERVICES:
        return None
    name, code = _SERVICES[service]
    model = get_service_model(name)
    if operation not in model.operation_names:
        return None
    try:
        given = json.loads(body)
    except MALFORMED:
        return Rejection("The body is not JSON", SERIALIZATION)
    shape = model.operation_model(operation).input_shape
    text = ParamValidator().validate(given, shape).generate_report()
    if not text:
        return None
    if "Invalid type" in text and "Invalid type for parameter : " not in text:
        return Rejection(text, SERIALIZATION)
    return Rejection(f"1 validation error detected: {text}: Member must not be null", code)


def explained(headers: Mapping[str, str], body: bytes, error: str) -> Rejection | None:
    """`error` is the last line of Python's traceback. None for what is moto's own defect."""
    if found := malformed(headers, body):
        return found
    service = headers.get("X-Amz-Target", "").partition(".")[0]
    if service not in _SERVICES:
        return None
    given: Mapping[str, Any] = json.loads(body)
    code = _SERVICES[service][1]
    if any(name in given for name in _PARTIQL):
        text = "Statement wasn't well formed, can't be processed"
        return Rejection(f"{text}: {error}")
    if error.startswith("ValueError"):
        name = next((each for each in ("NextToken", "SequenceNumber") if each in given), "")
        if name:
            wrong = _TOKENS.get(service, code) if name == "NextToken" else code
            return Rejection(f"Invalid {name}: {given[name]}", wrong)
    if service == "TrentService" and error.startswith("AttributeError: 'NoneType'"):
        return Rejection("A key or a grant is required", code)
    if lacking := _KEY_ERROR.fullmatch(error):
        if lacking[1] == region_of(headers):
            text = f"there is no {_SERVICES[service][0]} in {lacking[1]}"
            return Rejection(text, "NotServedByTheEmulator")
        if service in _ABSENT and lacking[1] in repr([*given.values()]):
            return Rejection(f"{lacking[1]} does not exist", _ABSENT[service])
        if _MEMBER.fullmatch(lacking[1]):
            return Rejection(f"{lacking[1]} is required", code)
    if service == "DynamoDBStreams_20120810" and error.startswith("IndexError"):
        return Rejection(f"Invalid StreamArn: {given.get('StreamArn')}", code)
    return None


def of_query(error: str) -> tuple[int, str, str]:
    """Of SNS: status, code and message."""
    if "invalid literal for int()" in error:
        return 400, "InvalidParameter", "Invalid parameter: NextToken"
    if error.startswith("KeyError: '"):
        return 400, "InvalidParameter", f"Invalid parameter: {error.removeprefix('KeyError: ')}"
    return 500, "InternalFailure", error


def of_s3(method: str, path: str, query: str, error: str) -> S3Error:
    """A document that lacks an element, what there is not, or another argument."""
    if re.search(r"(?:^|&)uploadId=", query):
        return _NO_UPLOAD
    if method in ("PUT", "POST") and query:
        return MALFORMED_XML
    if "NoneType" in error and path.count("/") > 1:
        return S3Error(404, "NoSuchKey", "The specified key does not exist.")
    return S3Error(400, "InvalidArgument", f"Invalid Argument ({error})")
