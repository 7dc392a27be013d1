"""What a function calls, recorded, to compare with what its row of permissions.py grants."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient

from lambdas.files import Files
from stacks.config.functions import FUNCTIONS
from stacks.config.permissions import PERMISSIONS
from tests.support.lambdas.backend import Backend

Used = dict[str, set[str]]
# Lambda lists streams in the name of a function that reads one.
ANY_STREAM = "any_stream"


def granted(function: str) -> Used:
    """resource -> actions, without what Lambda does with the event source in its name."""
    source = FUNCTIONS[function].event_source
    by_lambda = {source.resource, source.on_failure, ANY_STREAM} if source else set()
    return {
        resource: set(actions)
        for resource, actions in PERMISSIONS[function].items()
        if resource not in by_lambda
    }


def used_by(world: Backend, act: Callable[[], object]) -> Used:
    """table or queue -> actions, as IAM would check them."""
    seen: Used = defaultdict(set)
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def recorded(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        action = operation.removesuffix("Batch") if operation.startswith("Send") else operation
        service = client.meta.service_model.service_name
        tables = parameters.get("RequestItems") or [parameters.get("TableName", "push_queue")]
        asked = [(table, action) for table in tables]
        if operation == "TransactWriteItems":
            parts = [part for each in parameters["TransactItems"] for part in each.items()]
            asked = [(body["TableName"], f"{kind}Item") for kind, body in parts]
        for table, name in asked:
            seen[table.split("-")[0].lower()].add(f"{service}:{name}")
        return call(client, operation, parameters)

    posts = len(world.api.requests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", recorded)
        act()
    for request in world.api.requests[posts:]:
        name = "post_to_connections" if request.method == "POST" else "close_connections"
        seen[name].add("execute-api:ManageConnections")
    return seen


@contextmanager
def recorded_actions() -> Iterator[Used]:
    """Table or service -> actions, of all AWS calls meanwhile but posts, as IAM would check them."""
    seen: Used = defaultdict(set)
    call: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def recorded(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        for resource, action in actions(service, operation, parameters):
            seen[resource].add(action)
        return call(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", recorded)
        for name, action in {"upload": "s3:PutObject", "download": "s3:GetObject"}.items():
            patch.setattr(Files, name, _signed(seen, getattr(Files, name), action))
        yield seen


def _signed(seen: Used, method: Callable[..., Any], action: str) -> Callable[..., Any]:
    """S3 asks who has signed a request for the permission, not who sends it."""

    def signed(*arguments: Any) -> Any:
        seen["s3"].add(action)
        return method(*arguments)

    return signed


def actions(service: str, operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if operation == "TransactWriteItems":
        for item in parameters["TransactItems"]:
            ((kind, body),) = item.items()
            yield body["TableName"].lower(), f"dynamodb:{kind}Item"
    elif "RequestItems" in parameters:
        for table in parameters["RequestItems"]:
            yield table.lower(), f"dynamodb:{operation}"
    elif service == "dynamodb":
        yield parameters["TableName"].lower(), f"dynamodb:{operation}"
    else:
        yield service, f"{service}:{operation}"
