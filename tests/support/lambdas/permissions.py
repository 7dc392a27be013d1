"""What a function calls, recorded, to compare with what its row of permissions.py grants."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient

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
