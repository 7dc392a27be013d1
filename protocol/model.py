"""The model that both clients' types and parsers are generated from: schemas as kinds of fields.

A parser reads what the schemas promise, and is exact about it only where a wrong value would do
harm. LENIENT and KINDS are the fields in which it reads less than they allow, or other things.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from protocol.schemas import Schema, read, schemas

# Fields that may be absent or null although the schema requires them. The client takes the empty
# value then: nothing it does depends on their presence.
LENIENT = {
    "Accepted": {"missing", "stale"},
    "Receipt": {"delivered", "read", "undelivered"},
    "Watermarks": {"delivered", "read"},
    "SyncedChat": {"missing", "members", "undelivered"},
    "Synced": {"more"},
    "KeysLow": {"fallback_used"},
    "ErrorFrame": {"message"},
    "SignInResponse": {"expires_in"},
    "PasswordResponse": {"expires_in"},
    "TokenResponse": {"expires_in"},
    "TicketResponse": {"expires_in"},
    "ListedChat": {"seq", "delivered", "read"},
    "ClaimedKey": {"fallback"},
}
# Fields that are not read as their schema alone would have it.
KINDS = {
    ("Accepted", "stale"): "full_name",  # the schema has any text, for it repeats what was sent
    ("Message", "sender"): "name",
    ("Message", "sender_device"): "device",
    ("ErrorFrame", "message"): "words",
}
# Where the title alone would take the place of a language's own name.
TYPE_NAMES = {"error": "ErrorFrame"}
USER_AND_DEVICE = "^[a-z0-9_]{3,32}/[A-Za-z0-9_-]{1,64}$"


@dataclass(frozen=True)
class Scalar:
    """`reader`: the function of the client's `fields` module that reads it.

    `values`: all that may be sent. What is received may be others, of a newer backend.
    """

    reader: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListOf:
    item: Kind


@dataclass(frozen=True)
class PairOf:
    """An array of exactly two."""

    item: Kind


@dataclass(frozen=True)
class MapOf:
    value: Kind


@dataclass(frozen=True)
class Nested:
    body: Body


Kind = Scalar | ListOf | PairOf | MapOf | Nested


@dataclass(frozen=True)
class Field:
    name: str
    kind: Kind
    required: bool
    lenient: bool
    description: str


@dataclass(frozen=True)
class Body:
    """One object: a frame, a REST body or an object inside them."""

    type_name: str
    title: str  # the frame's `type` or `action`; of a REST body, method and path
    description: str
    fields: tuple[Field, ...]


def frames(group: str) -> list[Body]:
    """All client frames or all server frames, without the field that names them."""
    return [
        body(schema, TYPE_NAMES.get(schema["title"]) or camel(schema["title"]))
        for schema in map(read, schemas(group))
    ]


def rest(side: str) -> list[Body]:
    """All REST bodies of one side, `request` or `response`."""
    files = [file for file in schemas("rest") if file.stem.endswith(f".{side}")]
    return [body(read(file), rest_name(file)) for file in files]


def rest_name(file: Path) -> str:
    return camel(file.stem.replace(".", "_").replace("-", "_"))


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def nested(bodies: list[Body]) -> list[Body]:
    """Every object inside these, innermost first and each once, but for those that these are."""
    frames = {body.type_name: body for body in bodies}
    found: dict[str, Body] = {}
    for body in bodies:
        for inner in _inside(body):
            known = frames.get(inner.type_name) or found.setdefault(inner.type_name, inner)
            if known.fields != inner.fields:
                raise ValueError(f"two different objects have the title {inner.title}")
    return list(found.values())


def _inside(body: Body) -> Iterator[Body]:
    for field in body.fields:
        kind = field.kind
        while not isinstance(kind, Scalar | Nested):
            kind = kind.value if isinstance(kind, MapOf) else kind.item
        if isinstance(kind, Nested):
            yield from _inside(kind.body)
            yield kind.body


def body(schema: Schema, type_name: str) -> Body:
    required, lenient = schema.get("required", ()), LENIENT.get(type_name, set())
    fields = tuple(
        Field(
            name,
            _kind(part, type_name, name),
            required=name in required and not nullable(part),
            lenient=name in lenient,
            description=part.get("description", ""),
        )
        for name, part in schema.get("properties", {}).items()
        if not (name in ("type", "action") and "const" in part)
    )
    return Body(type_name, schema["title"], schema.get("description", ""), fields)


def nullable(schema: Schema) -> bool:
    return isinstance(schema.get("type"), list) and "null" in schema["type"]


def _kind(schema: Schema, owner: str, name: str) -> Kind:
    if schema.get("type") == "array":
        item = _kind(schema["items"], owner, name)
        pair = schema.get("maxItems") == schema.get("minItems") == 2
        return PairOf(item) if pair else ListOf(item)
    if schema.get("type") == "object":
        if isinstance(values := schema.get("additionalProperties"), dict):
            return MapOf(_kind(values, owner, name))
        if "properties" not in schema:
            return Scalar("mapping")
        if "title" not in schema:
            raise ValueError(f"{owner}.{name}: an object inside another needs a title")
        title = schema["title"]
        return Nested(body(schema, title if title[0].isupper() else camel(title)))
    return Scalar(KINDS.get((owner, name)) or _scalar(schema), tuple(schema.get("enum", ())))


def _scalar(schema: Schema) -> str:
    kind, words = schema.get("type", "string"), schema.get("description", "")
    if kind == "boolean":
        return "flag"
    if kind == "number" or (kind == "integer" and words == "seconds"):
        return "duration"
    if kind == "integer":
        if words == "milliseconds since the epoch":
            return "time"
        return "position" if schema.get("minimum") == 1 else "count"
    return "full_name" if schema.get("pattern") == USER_AND_DEVICE else "text"
