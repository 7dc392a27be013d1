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
from urllib.parse import parse_qs

from botocore.validate import ParamValidator
from moto.core.utils import get_service_model

from emulator.aws.checks import constraints
from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.s3 import MALFORMED_XML
from emulator.aws.direct import region_of
from emulator.aws.s3_signatures import S3Error
from emulator.aws.s3_uploads import NO_UPLOAD

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
_NO_NUMBER = re.compile(r"ValueError: invalid literal for int\(\) with base 10: (.*)")
_EMPTY = re.compile(rb"<(?:CORSRule|Object|Rule|Tag)\s*(?:/>|></)")  # these have required members
_NOT_COMPARED = "not supported between instances"  # moto's tokens are its own
_IDENTIFIERS = (
    "AliasName",
    "ClientId",
    "DestinationKeyId",
    "GrantId",
    "GroupName",
    "KeyId",
    "ProviderName",
    "ResourceArn",
    "SecretId",
    "TargetKeyId",
    "UserPoolId",
    "Username",
)
_TOKENS = {
    "AmazonSSM": "InvalidNextToken",
    "secretsmanager": "InvalidNextTokenException",
}


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
    if service in _ABSENT and error in _of_absent(given):
        return Rejection(f"{error.removeprefix('KeyError: ')} does not exist", _ABSENT[service])
    if lacking := _KEY_ERROR.fullmatch(error):
        if lacking[1] == region_of(headers):
            text = f"there is no {_SERVICES[service][0]} in {lacking[1]}"
            return Rejection(text, "NotServedByTheEmulator")
        if _lacks(_input(headers), given, lacking[1]):
            return Rejection(f"{lacking[1]} is required", code)
    if service == "DynamoDBStreams_20120810" and error.startswith("IndexError"):
        return Rejection(f"Invalid StreamArn: {given.get('StreamArn')}", code)
    return None


def _input(headers: Mapping[str, str]) -> Any:
    service, _, operation = headers["X-Amz-Target"].partition(".")
    return get_service_model(_SERVICES[service][0]).operation_model(operation).input_shape


def _of_absent(given: Mapping[str, Any]) -> set[str]:
    """Python's errors for what the request names, by its name, its id or its ARN."""
    named = [given[member] for member in _IDENTIFIERS if isinstance(given.get(member), str)]
    return {f"KeyError: {text!r}" for each in named for text in (each, each.rpartition("/")[2])}


def _lacks(shape: Any, given: Any, name: str) -> bool:
    """Whether a structure of the request lacks this member."""
    if shape.type_name == "structure":
        if name in shape.members and name not in given:
            return True
        return any(
            _lacks(shape.members[key], given[key], name) for key in shape.members if key in given
        )
    if shape.type_name == "list":
        return any(_lacks(shape.member, each, name) for each in given)
    if shape.type_name == "map":
        return any(_lacks(shape.value, each, name) for each in given.values())
    return False


def of_query(error: str) -> tuple[int, str, str]:
    """Of SNS: status, code and message."""
    if "invalid literal for int()" in error:
        return 400, "InvalidParameter", "Invalid parameter: NextToken"
    if error.startswith("KeyError: '"):
        return 400, "InvalidParameter", f"Invalid parameter: {error.removeprefix('KeyError: ')}"
    return 500, "InternalFailure", error


def of_s3(method: str, path: str, query: str, body: bytes, error: str) -> S3Error:
    """AWS's error where moto is known to fail so by the caller's mistake; a 500 for any other."""
    given = parse_qs(query, keep_blank_values=True)
    kind, _, text = error.partition(": ")
    if kind == "KeyError" and text in map(repr, given.get("uploadId", ())):
        return NO_UPLOAD
    has_document = given.keys() - {"x-id"} and "partNumber" not in given  # others have data
    if method in ("PUT", "POST") and has_document and _is_malformed(body, kind, error):
        return MALFORMED_XML
    if method == "POST" and "uploadId" in given and kind in ("IndexError", "ValueError"):
        return MALFORMED_XML  # a part without its number or its ETag
    number = _NO_NUMBER.fullmatch(error)
    if number and number[1] in (repr(value) for values in given.values() for value in values):
        return S3Error(400, "InvalidArgument", f"Invalid Argument: {number[1]}")
    if kind == "TypeError" and "continuation-token" in given and _NOT_COMPARED in text:
        return S3Error(400, "InvalidArgument", "The continuation token provided is incorrect")
    if kind == "AssertionError" and text.startswith("Unknown canned acl"):
        return S3Error(400, "InvalidArgument", f"Invalid Argument: {text}")
    of_object = path.count("/") > 1 and given.keys() & {"tagging", "acl"}
    if of_object and kind == "AttributeError" and "NoneType" in text:
        return S3Error(404, "NoSuchKey", "The specified key does not exist.")
    return S3Error(500, "InternalError", f"We encountered an internal error: {error}")


def _is_malformed(body: bytes, kind: str, error: str) -> bool:
    """A document that is no XML, that lacks an element, or that has an empty one."""
    if kind.endswith("ExpatError"):
        return True
    if lacking := _KEY_ERROR.fullmatch(error):
        name = lacking[1]
        return bool(_MEMBER.fullmatch(name)) and f"<{name}".encode() not in body
    return "NoneType" in error and _EMPTY.search(body) is not None
