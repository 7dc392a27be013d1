"""Documents drawn from a JSON Schema: valid ones, the same with a few changes, and their bytes.

It knows the keywords that the protocol's schemas have, and raises KeyError for another kind.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.support.examples import texts

Values = Mapping[str, Sequence[Any]]  # what a field of this name may hold, besides what is drawn

EDGES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**53 + 1,
    2**63,
    10**30,
    0.5,
    -0.0,
    1e300,
    "",
    "\0",
]
EDGES += ["\ud800", "𝕏" * 40, "x" * 5_000, "../..", "a#b", "' OR 1=1", "{}", "Infinity", [], {}]
EDGES += [[[]], [None], {"": None}, {"S": "x"}, {"$ref": "#"}, {"__proto__": {}}]
Damage = Callable[[bytes, Callable[..., Any]], bytes]
anything = st.recursive(
    st.sampled_from(EDGES) | texts(max_size=20) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(max_size=8), inner),
    max_leaves=5,
)


def valid(schema: Mapping[str, Any], values: Values) -> st.SearchStrategy[Any]:
    """Documents that fit, as far as a choice of required fields makes them fit."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _BY_TYPE[schema["type"]](schema, values)


def _text(schema: Mapping[str, Any], _values: Values) -> st.SearchStrategy[Any]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].replace("$", r"\Z"))
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", 30), 30)
    return texts(min_size=least, max_size=most)


def _integer(schema: Mapping[str, Any], _values: Values) -> st.SearchStrategy[Any]:
    return st.integers(schema.get("minimum"), schema.get("maximum"))


def _array(schema: Mapping[str, Any], values: Values) -> st.SearchStrategy[Any]:
    least, most = schema.get("minItems", 0), min(schema.get("maxItems", 4), 4)
    items = valid(schema["items"], values)
    unique = str if schema.get("uniqueItems") else None
    return st.lists(items, min_size=least, max_size=most, unique_by=unique)


def _object(schema: Mapping[str, Any], values: Values) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        names = valid(schema["propertyNames"], values)
        return st.dictionaries(names, valid(schema["additionalProperties"], values), max_size=3)
    choices = [each for rule in ("oneOf", "anyOf") for each in schema.get(rule, ())]
    return st.sampled_from(choices or [{}]).flatmap(lambda choice: _fields(schema, choice, values))


def _fields(
    schema: Mapping[str, Any], choice: Mapping[str, Any], values: Values
) -> st.SearchStrategy[Any]:
    needed = {*schema.get("required", ()), *choice.get("required", ())}
    drawn = {}
    for name, of in {**schema["properties"], **choice.get("properties", {})}.items():
        known = [each for each in values.get(name, ()) if each is not ...]
        drawn[name] = valid(of, values) | st.sampled_from(known) if known else valid(of, values)
    return st.fixed_dictionaries(
        {name: drawn[name] for name in drawn if name in needed},
        optional={name: drawn[name] for name in drawn if name not in needed},
    )


_BY_TYPE: dict[str, Callable[[Mapping[str, Any], Values], st.SearchStrategy[Any]]] = {
    "string": _text,
    "integer": _integer,
    "number": _integer,
    "boolean": lambda _schema, _values: st.booleans(),
    "array": _array,
    "object": _object,
}


@st.composite
def changed(draw: Callable[..., Any], documents: st.SearchStrategy[Any]) -> Any:
    """A valid document with up to three changes anywhere in it."""
    document = json.loads(json.dumps(draw(documents)))
    for _ in range(draw(st.integers(0, 3))):
        document = _with_a_change(draw, document)
    return document


def _with_a_change(draw: Callable[..., Any], document: Any) -> Any:
    if isinstance(document, dict) and document and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(document)))
        how = draw(st.sampled_from(["remove", "inside", "inside", "another name"]))
        if how == "inside":
            return {**document, name: _with_a_change(draw, document[name])}
        rest = {each: document[each] for each in document if each != name}
        return rest if how == "remove" else {**rest, draw(texts(max_size=9)): document[name]}
    if isinstance(document, list) and document and draw(st.booleans()):
        return draw(
            st.sampled_from([document * 2, document[1:], [*document, None], document * 400])
        )
    return draw(anything)


@st.composite
def written(draw: Callable[..., Any], documents: st.SearchStrategy[Any]) -> bytes:
    """As JSON that a client would send, or that has been damaged on its way."""
    text = json.dumps(draw(documents), ensure_ascii=draw(st.booleans()))
    data = text.encode("utf-8", "surrogatepass")
    damage: Damage = draw(st.sampled_from([_as_it_is, _as_it_is, *_DAMAGES]))
    return damage(data, draw)


def _as_it_is(data: bytes, _draw: Callable[..., Any]) -> bytes:
    return data


def _cut(data: bytes, draw: Callable[..., Any]) -> bytes:
    at: int = draw(st.integers(0, len(data)))
    return data[:at]


def _inserted(data: bytes, draw: Callable[..., Any]) -> bytes:
    at: int = draw(st.integers(0, len(data)))
    odd: bytes = draw(st.sampled_from([b"\0", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b'"']))
    return data[:at] + odd + data[at:]


def _around(data: bytes, draw: Callable[..., Any]) -> bytes:
    before, after = draw(
        st.sampled_from(
            [(b"\xef\xbb\xbf", b""), (b"", b"{}"), (b"", b","), (b"[", b"]"), (b" \n", b"\t")]
        )
    )
    return bytes(before + data + after)


def _twice(data: bytes, _draw: Callable[..., Any]) -> bytes:
    """Every field twice: a document of duplicate keys."""
    return data[:-1] + b"," + data[1:] if data.startswith(b"{") and len(data) > 2 else data


_DAMAGES = [_cut, _inserted, _around, _twice]
