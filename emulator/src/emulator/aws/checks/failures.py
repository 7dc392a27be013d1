"""AWS's errors for requests on which moto fails: the caller's mistakes, and so no 5xx, which SDKs
would repeat.

It is looked for after a failure, as it takes longer than the request, and by the class of Python's
error, with its key or name, and the request. Sources: the services' models;
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
from xml.parsers.expat import ExpatError

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
_MEMBER = re.compile(r"[A-Z][A-Za-z0-9]+")  # of a structure, as models name them
# Members of S3's queries that are numbers, as the model has them.
_NUMBERS = ("max-keys", "max-parts", "max-uploads", "part-number-marker", "partNumber")
_EMPTY = re.compile(rb"<(?:CORSRule|Object|Rule|Tag)\s*(?:/>|></)")  # these have required members
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


def explained(headers: Mapping[str, str], body: bytes, error: Exception) -> Rejection | None:
    """`error` is what moto raised. None for what is moto's own defect."""
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
    if isinstance(error, ValueError):
        name = next((each for each in ("NextToken", "SequenceNumber") if each in given), "")
        if name:
            wrong = _TOKENS.get(service, code) if name == "NextToken" else code
            return Rejection(f"Invalid {name}: {given[name]}", wrong)
    if service == "TrentService" and _of_none(error):
        return Rejection("A key or a grant is required", code)
    if (key := _key(error)) is not None:
        if service in _ABSENT and key in _named(given):
            return Rejection(f"{key!r} does not exist", _ABSENT[service])
        if key == region_of(headers):
            text = f"there is no {_SERVICES[service][0]} in {key}"
            return Rejection(text, "NotServedByTheEmulator")
        if _lacks(_input(headers), given, key):
            return Rejection(f"{key} is required", code)
    if service == "DynamoDBStreams_20120810" and isinstance(error, IndexError):
        return Rejection(f"Invalid StreamArn: {given.get('StreamArn')}", code)
    return None


def _input(headers: Mapping[str, str]) -> Any:
    service, _, operation = headers["X-Amz-Target"].partition(".")
    return get_service_model(_SERVICES[service][0]).operation_model(operation).input_shape


def _key(error: Exception) -> str | None:
    """The key that was not found, where it is text."""
    found = error.args[0] if isinstance(error, KeyError) and error.args else None
    return found if isinstance(found, str) else None


def _of_none(error: Exception) -> bool:
    """Whether an attribute of None was read. A name says that Python raised it: without one,
    `obj` is None as well."""
    return isinstance(error, AttributeError) and error.name is not None and error.obj is None


def _named(given: Mapping[str, Any]) -> set[str]:
    """What the request names, by its name, its id or its ARN."""
    named = [given[member] for member in _IDENTIFIERS if isinstance(given.get(member), str)]
    return {text for each in named for text in (each, each.rpartition("/")[2])}


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


def of_query(body: bytes, error: Exception) -> tuple[int, str, str]:
    """Of SNS: status, code and message."""
    if isinstance(error, ValueError) and b"NextToken=" in body:
        return 400, "InvalidParameter", "Invalid parameter: NextToken"
    if isinstance(error, KeyError):
        return 400, "InvalidParameter", f"Invalid parameter: {error}"
    return 500, "InternalFailure", shown(error)


def shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def of_s3(method: str, path: str, query: str, body: bytes, error: Exception) -> S3Error:
    """AWS's error where moto is known to fail so by the caller's mistake; a 500 for any other."""
    given = parse_qs(query, keep_blank_values=True)
    if _key(error) in given.get("uploadId", ()):
        return NO_UPLOAD
    has_document = given.keys() - {"x-id"} and "partNumber" not in given  # others have data
    if method in ("PUT", "POST") and has_document and _is_malformed(body, error):
        return MALFORMED_XML
    of_parts = method == "POST" and "uploadId" in given
    if of_parts and isinstance(error, IndexError | ValueError):
        return MALFORMED_XML  # a part without its number or its ETag
    if isinstance(error, ValueError):
        for text in (each for name in _NUMBERS for each in given.get(name, ())):
            if not _is_number(text):
                return S3Error(400, "InvalidArgument", f"Invalid Argument: {text!r}")
    if isinstance(error, TypeError) and "continuation-token" in given:  # moto's are its own
        return S3Error(400, "InvalidArgument", "The continuation token provided is incorrect")
    if isinstance(error, AssertionError) and method == "PUT":  # an ACL, a rule
        return S3Error(400, "InvalidArgument", f"Invalid Argument: {error}")
    of_object = path.count("/") > 1 and given.keys() & {"tagging", "acl"}
    if of_object and _of_none(error):
        return S3Error(404, "NoSuchKey", "The specified key does not exist.")
    return S3Error(500, "InternalError", f"We encountered an internal error: {shown(error)}")


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _is_malformed(body: bytes, error: Exception) -> bool:
    """A document that is no XML, that lacks an element, or that has an empty one."""
    if isinstance(error, ExpatError):
        return True
    if (name := _key(error)) is not None:
        return bool(_MEMBER.fullmatch(name)) and f"<{name}".encode() not in body
    of_empty = isinstance(error, TypeError) or _of_none(error)  # which moto has as None
    return of_empty and _EMPTY.search(body) is not None
