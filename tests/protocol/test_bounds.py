"""Bounds of what a client may send: nothing in a frame or body is larger than its handler's time."""

import re
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined] # the widths of patterns
from typing import Any

from lambdas.messages.membership import MEMBERS_LIMIT
from protocol.schemas import Schema, read, schemas
from tests.support.rows import rows

SENT = [*schemas("client"), *(each for each in schemas("rest") if each.stem.endswith(".request"))]
# Of one frame or body: a BatchGetItem of DynamoDB reads as many items at once.
MANY, LONG, LARGE = 100, 1_000, 999_999_999_999
NAME = 100  # of what a map has: a user and a device at most
# What has more, with its reason.
MORE = {
    "receipt.senders": 256,  # of a large group
    "send.to": 1_000,  # devices: a frame has room for fewer
    "chat.members": MEMBERS_LIMIT - 1,  # with who founds it
    "send.payload": None,  # the frame has 32 KB
    "send.to.*": None,
    "confirm-link.message": 65_536,  # the secrets of an account
    "token.refresh_token": 8_192,  # Cognito's
    "sign-out.refresh_token": 8_192,
}
# Control characters, what turns the direction of writing, and other scripts.
FOREIGN = ("\0", "\n", "\x7f", "\u00e9", "\u202e", "\ufeff")


def parts(schema: Schema, name: str) -> Iterator[tuple[str, Schema]]:
    """Each schema in one, with its name: what a map has is `*`."""
    yield name, schema
    for key, each in schema.get("properties", {}).items():
        yield from parts(each, f"{name}.{key}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from parts(schema["additionalProperties"], f"{name}.*")
        yield from parts(schema["propertyNames"], f"{name}.<name>")
    if "items" in schema:
        yield from parts(schema["items"], f"{name}[]")


FIELDS = dict(
    each for file in SENT for each in parts(read(file), file.stem.removesuffix(".request"))
)


@rows("name", FIELDS)
def test_what_a_client_sends_has_an_end(name: str) -> None:
    schema = FIELDS[name]
    kind = schema.get("type")
    if kind == "array":
        assert schema["maxItems"] <= MORE.get(name, MANY) and schema["uniqueItems"] is True
    elif kind == "object" and "additionalProperties" in schema:
        assert schema["maxProperties"] <= MORE.get(name, MANY)
    elif kind == "integer":
        assert 0 <= schema["minimum"] <= schema["maximum"] <= LARGE
    elif kind == "string" and MORE.get(name, LONG) is not None:
        assert _longest(schema) <= MORE.get(name, NAME if name.endswith("<name>") else LONG)


def _longest(schema: Schema) -> Any:
    if "pattern" in schema:
        return _parser.parse(schema["pattern"]).getwidth()[1]
    return schema["maxLength"]


@rows("name", [name for name, schema in FIELDS.items() if "pattern" in schema])
def test_a_pattern_is_for_the_whole_text_and_for_printable_ascii_alone(name: str) -> None:
    pattern = FIELDS[name]["pattern"]
    assert pattern.startswith("^") and pattern.endswith("$")
    least = _parser.parse(pattern).getwidth()[0]
    assert not [each for each in FOREIGN if re.search(pattern, each * least)]
