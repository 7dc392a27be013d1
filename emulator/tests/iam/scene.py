"""The provider of permissions with roles that trust Lambda, and what it reported."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from emulator.iam.authority import Need
from emulator.iam.denials import Denials
from emulator.providers import Resource
from emulator.resources.permissions import PermissionProvider
from emulator.template.place import Place

HERE = "us-east-1:123456789012"
TABLE, FUNCTION = f"arn:aws:dynamodb:{HERE}:table/chats", f"arn:aws:lambda:{HERE}:function:store"
LAMBDA = "lambda.amazonaws.com"


class Scene:
    """A provider, and what it reported."""

    def __init__(self, tmp_path: Path, mode: str = "enforce", place: Place | None = None) -> None:
        self.reported: list[str] = []
        log = tmp_path / "denials.log"
        denials = Denials(log, lambda: 0.0, self.reported.append, mode)
        self.provider = PermissionProvider(
            place or Place(), mode, denials, lambda: "http://127.0.0.1:9"
        )

    def make(self, kind: str, logical_id: str, **properties: Any) -> Any:
        if kind == "IAM::Role":
            properties = {"AssumeRolePolicyDocument": trusting(LAMBDA), **properties}
        resource = Resource("Stack", logical_id, f"AWS::{kind}", properties)
        return asyncio.run(self.provider.create(resource, properties))

    def function_with(self, *actions: str, resource: str = "*", **role: Any) -> None:
        """A function `store` whose role has one policy."""
        made = self.make("IAM::Role", "Role", **role)
        if actions:
            self.make(
                "IAM::Policy",
                "Policy",
                PolicyName="Default",
                Roles=[made.ref],
                PolicyDocument=allowing(actions, resource),
            )
        self.provider.add_function("the function", "Store", made.attributes["Arn"], "store")

    def may(self, action: str, resource: str = TABLE) -> bool:
        return self.provider.as_function(FUNCTION, [Need(action, (resource,))]) is None


def allowing(actions: Any, resource: Any = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def trusting(service: str, *actions: str, **more: Any) -> dict[str, Any]:
    """A role's trust policy."""
    principal = {"Principal": {"Service": service}, "Action": list(actions or ["sts:AssumeRole"])}
    statement = {"Effect": "Allow", **principal, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}
