"""What a rehearsal finds: resources that hold data."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rehearsal.steps import compared, exported, found, resource, stack
from tests.rehearsal.templates import DATA, FELT, NOTE, QUEUE, Row, data, importer, table
from tests.rows import rows

from emulator.providers import EmulatorError


def typed(type: str, *more: str) -> dict[str, Any]:
    attributes = {"chat": type, **dict.fromkeys(more, "S")}
    definitions = [{"AttributeName": n, "AttributeType": t} for n, t in attributes.items()]
    return table(AttributeDefinitions=definitions)


def secret(**properties: Any) -> dict[str, Any]:
    return resource("SecretsManager::Secret", **properties)


ROWS = [
    Row(
        "a secret's value is generated in another way",
        [data({"Key": secret(GenerateSecretString={"PasswordLength": 32})})],
        [data({"Key": secret(GenerateSecretString={"PasswordLength": 64})})],
        {(DATA, "Key")},
    ),
    Row(
        "a secret gets another description",
        [data({"Key": secret(GenerateSecretString={}, Description="a")})],
        [data({"Key": secret(GenerateSecretString={}, Description="b")})],
        set(),
    ),
    Row(
        "a table is dropped",
        [data({"Chats": table(), "Jobs": QUEUE})],
        [data({"Jobs": QUEUE})],
        {(DATA, "Chats")},
    ),
    Row(
        "a table that is retained is dropped",
        [data({"Chats": {**table(), "DeletionPolicy": "Retain"}, "Jobs": QUEUE})],
        [data({"Jobs": QUEUE})],
        {(DATA, "Chats")},
    ),
    Row(
        "a table gets another name",
        [data({"Chats": table()})],
        [data({"Chats": table(TableName="chats")})],
        {(DATA, "Chats")},
    ),
    Row(
        "a table gets another billing mode",
        [data({"Chats": table(BillingMode="PROVISIONED")})],
        [data({"Chats": table(BillingMode="PAY_PER_REQUEST")})],
        set(),
    ),
    Row(
        "a table gets a local index",
        [data({"Chats": table()})],
        [data({"Chats": table(LocalSecondaryIndexes=[{"IndexName": "a"}])})],
        {(DATA, "Chats")},
    ),
    Row(
        "a key of a table changes its type",
        [data({"Chats": typed("S")})],
        [data({"Chats": typed("N")})],
        {(DATA, "Chats")},
    ),
    Row(
        "a table gets an attribute, for an index",
        [data({"Chats": typed("S")})],
        [data({"Chats": typed("S", "owner")})],
        set(),
    ),
    Row(
        "a queue is dropped",
        [data({"Jobs": QUEUE, "Chats": table()})],
        [data({"Chats": table()})],
        {(DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "the stack of a table gets another name",
        [data({"Chats": table()})],
        [stack("other", {"Chats": table()})],
        {(DATA, "Chats")},
    ),
    Row(
        "the stack of a table moves to another region",
        [data({"Chats": table()})],
        [stack("data", {"Chats": table()}, place="aws://123456789012/eu-west-2")],
        {(DATA, "Chats")},
    ),
    Row(
        "a stack says at last where it is",
        [stack("data", {"Chats": table()}, place="aws://unknown-account/unknown-region")],
        [stack("data", {"Chats": table(BillingMode="PAY_PER_REQUEST")})],
        set(),
    ),
]


@rows("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds


def test_a_loss_that_is_meant_is_accepted_by_name() -> None:
    before, after = [data({"Chats": table(), "Jobs": QUEUE})], [data({"Jobs": QUEUE})]
    assert compared(before, after).stops
    accepted = compared(before, after, accept=("Chats",))
    assert not accepted.stops
    assert found(accepted) == {(NOTE, "Chats")}


def test_what_is_rejected_is_never_accepted() -> None:
    before = [data({}, exported("data", "Name", "one")), importer("Name")]
    after = [data({}, exported("data", "Name", "two")), importer("Name")]
    with pytest.raises(EmulatorError, match="there is no loss to accept"):
        compared(before, after, accept=("export Name",))
