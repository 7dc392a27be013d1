"""boto3 clients for the server that emulates AWS, and what the providers that use them share."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config

from emulator import service_models
from emulator.addresses import Addresses
from emulator.credentials import ACCESS_KEY, SECRET_KEY
from emulator.providers import Resource
from emulator.resource import as_strings

_DIGITS = 8  # of the digest in a name that is cut
AddPolicy = Callable[[str, str, Mapping[str, Any]], None]
"""(which resource, its ARN, the policy that it has of its own)"""


class Clients:
    """Makes each client once. Calls block, so run them in a thread."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._session: Any = boto3.Session(
            botocore_session=service_models.session(),
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=addresses.region,
        )
        self._made: dict[str, Any] = {}
        self._making = threading.Lock()

    def __call__(self, service: str) -> Any:
        """The client for a boto3 service name, e.g. `dynamodb`."""
        with self._making:
            if service not in self._made:
                self._made[service] = self._session.client(
                    service,
                    endpoint_url=self._addresses.endpoint(service),
                    config=Config(proxies={}, retries={"total_max_attempts": 1}),
                )
            return self._made[service]


def physical_name(resource: Resource, longest: int | None = None) -> str:
    """The name of a resource the template gives none: `<stack>-<logical id>`. A longer one than
    `longest` is cut and ends in a digest of the whole, so that no two become one."""
    name = f"{resource.stack}-{resource.logical_id}"
    if longest is None or len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{name[: longest - _DIGITS - 1]}-{digest}"


def accepted(client: Any, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that the API's operation has under the same name, in its own types: a template
    may write numbers and booleans as texts, and texts as numbers and booleans."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    return {
        name: _as(shape.members[name], value)
        for name, value in properties.items()
        if name in shape.members
    }


def _as(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {
            name: _as(shape.members[name], inner)
            for name, inner in value.items()
            if name in shape.members
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_as(shape.member, inner) for inner in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {name: _as(shape.value, inner) for name, inner in value.items()}
    if shape.type_name == "string" and isinstance(value, int | float):
        return as_strings(value)
    if shape.type_name in ("integer", "long"):
        return int(value)
    if shape.type_name == "boolean" and isinstance(value, str):
        return value == "true"
    return value
