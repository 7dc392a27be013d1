"""What a rehearsal finds: a customer managed key: who may not use it yet, or any more."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rehearsal.steps import compared, exported, found, imported, resource, stack
from tests.rehearsal.templates import FELT, QUEUE, Row, data, table

from emulator.template.assembly import Stack


def keyed(key: str = "") -> Stack:
    """A table, encrypted by one of the stack's two keys if one is named."""
    resources = {
        "Chats": table(**encrypted(key)),
        "Old": resource("KMS::Key"),
        "New": resource("KMS::Key"),
    }
    values = {name: {"Fn::GetAtt": [name, "Arn"]} for name in resources}
    outputs = [exported("data", name, value) for name, value in values.items()]
    return data(resources, dict(pair for output in outputs for pair in output.items()))


def encrypted(key: str) -> dict[str, Any]:
    arn = {"Fn::GetAtt": [key, "Arn"]}
    return {"SSESpecification": {"SSEEnabled": True, "KMSMasterKeyId": arn}} if key else {}


def user(*keys: str, more: dict[str, Any] | None = None) -> Stack:
    """A role that may call the table, and use the keys."""
    named = [imported("data", name) for name in ("Chats", *keys)]
    resources = {"Role": policy(*named), **({"More": more} if more else {})}
    return stack("web", resources, after=("data",))


def policy(*arns: Any) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Action": "*", "Resource": list(arns)}]
    return resource("IAM::Policy", PolicyName="p", PolicyDocument={"Statement": statements})


def together(*keys: str) -> Stack:
    """Table, key and user in one stack."""
    named = [{"Fn::GetAtt": [name, "Arn"]} for name in ("Chats", *keys)]
    chats = table(**encrypted(keys[0] if keys else ""))
    return data({"Chats": chats, "Old": resource("KMS::Key"), "Role": policy(*named)})


ROWS = [
    Row("a table is made with a key", None, [keyed("Old"), user("Old")], set()),
    Row(
        "a table gets a key before its users have permission for it",
        [keyed(), user()],
        [keyed("Old"), user("Old")],
        {(FELT, "Chats")},
    ),
    Row(
        "a table gets another key before its users have permission for it",
        [keyed("Old"), user("Old")],
        [keyed("New"), user("New")],
        {(FELT, "Chats")},
    ),
    Row(
        "the users have permission for the other key already",
        [keyed("Old"), user("Old", "New")],
        [keyed("New"), user("New")],
        set(),
    ),
    Row(
        "users lose the permission for a key that is still in use",
        [keyed("Old"), user("Old")],
        [keyed("Old"), user()],
        {(FELT, "Chats")},
    ),
    Row(
        "who never had permission for the key is not reported again",
        [keyed("Old"), user()],
        [keyed("Old"), user(more=QUEUE)],
        set(),
    ),
    Row(
        "a table gets a key, and its only user is in the same stack",
        [together()],
        [together("Old")],
        set(),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds
