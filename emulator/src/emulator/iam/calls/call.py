"""A call of AWS, read from its HTTP request. No I/O.

Source of the protocols: smithy.io/2.0/aws/protocols/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

from emulator import credentials

JSON, QUERY, REST, S3 = "json", "query", "rest", "s3"
_SERVICES = {
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSEvents": "events",
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodb",
    "GraniteServiceVersion20100801": "cloudwatch",
    "Logs_20140328": "logs",
    "secretsmanager": "secretsmanager",
    "TrentService": "kms",
}
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}  # where the signature's name is another
_CBOR = re.compile(r"/service/(\w+)/operation/(\w+)")


class Names(Protocol):
    """Names of resources that only their services know."""

    def secret(self, identifier: str) -> str | None:
        """The ARN of a secret, by its name or ARN."""

    def key(self, identifier: str) -> str | None:
        """The ARN of a KMS key, by its id, ARN or alias."""

    def dead_letter_sources(self, queue: str) -> list[str]:
        """The ARNs of the queues whose dead letters go to this one, by its ARN."""

    def partition_key(self, table: str, index: str | None) -> str | None:
        """The name of a table's or an index's partition key."""


@dataclass(frozen=True)
class Place:
    """The place of the resources in ARNs."""

    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Call:
    """`service` is the prefix of its actions, `given` the parameters; `access_key` is empty where
    the request has no credentials. `presigned` says that they stand in its query or form."""

    service: str
    operation: str
    protocol: str
    access_key: str = ""
    token: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    presigned: bool = False

    def text(self, name: str) -> str:
        """A parameter; empty where it is not given."""
        value = self.given.get(name)
        return value if isinstance(value, str) else ""

    def structures(self, name: str) -> list[Mapping[str, Any]]:
        """The structures of a list; what is malformed is left to the service."""
        value = self.given.get(name)
        listed = value if isinstance(value, list) else []
        return [each for each in listed if isinstance(each, Mapping)]


def read(
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes,
) -> Call:
    """`path` is decoded; `headers` may be asked by any case."""
    values = {name.lower(): value for name, value in query}
    authorization = headers.get("Authorization", "")
    found = credentials.CREDENTIAL.search(authorization)
    presigned = "x-amz-credential" in values
    scope = (values["x-amz-credential"] if presigned else _scope(authorization)).split("/")
    known: dict[str, Any] = {
        "access_key": scope[0] if presigned else (found[1] if found else ""),
        "token": values.get("x-amz-security-token")
        if presigned
        else headers.get("X-Amz-Security-Token"),
        "method": method,
        "path": path,
        "query": dict(query),
        "headers": headers,
        "presigned": presigned,
    }
    signed_for = scope[3] if len(scope) > 3 else ""
    if target := headers.get("X-Amz-Target", ""):
        prefix, _, operation = target.rpartition(".")
        service = _SERVICES.get(prefix, _PREFIXES.get(signed_for, signed_for))
        return Call(service, operation, JSON, given=_json(body), **known)
    if cbor := _CBOR.fullmatch(path):
        service = _SERVICES.get(cbor[1], _PREFIXES.get(signed_for, signed_for))
        return Call(service, cbor[2], JSON, **known)
    typed = headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
    form = typed and signed_for != "s3"  # there these are the bytes of an object
    given = dict(parse_qsl(body.decode(errors="replace"))) if form else {}
    if action := given.get("Action", values.get("action", "") if signed_for != "s3" else ""):
        service = _PREFIXES.get(signed_for, signed_for)
        return Call(service, action, QUERY, given={**dict(query), **given}, **known)
    if signed_for == "s3" or presigned:
        return Call("s3", "", S3, **known)
    return Call(_PREFIXES.get(signed_for, signed_for), "", REST, **known)


def _scope(authorization: str) -> str:
    found = re.search(r"Credential=([^,\s]+)", authorization)
    return found[1] if found else ""


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:  # the service says so
        return {}
    return document if isinstance(document, dict) else {}
