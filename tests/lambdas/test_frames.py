import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # has no types

from lambdas import frames
from lambdas.errors import STATUS, ChatError, bad_request
from tests.support.examples import examples, texts
from tests.support.rows import rows

NAMES = sorted(
    str(path.relative_to(frames.SCHEMAS).with_suffix("")) for path in frames.SCHEMAS.rglob("*.json")
)
# Only keywords that mean the same in draft 7, which is what the functions' validator compiles.
KEYWORDS = {
    *("$schema", "title", "description", "type", "properties", "required", "additionalProperties"),
    *("propertyNames", "maxProperties", "items", "minItems", "maxItems", "uniqueItems", "enum"),
    *("const", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"),
    *("oneOf", "anyOf", "default"),
}
TEXTS = texts(max_size=8, without="\n")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**13) | st.floats(-2, 2) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
# For each pattern a text that fits and some that nearly do.
BY_PATTERN = {
    "^[A-Za-z0-9_-]{87}$": ["A" * 87, "A" * 86, "A" * 88, "+" * 87],
    "^[A-Za-z0-9_-]{22}$": ["A" * 22, "A" * 21, "A" * 23, "/" * 22],
    "^[a-z0-9_]{3,32}$": ("raju", "ab", "Raju", "x" * 33),
    "^[A-Za-z0-9_-]{1,64}$": ("phone", "", "a b", "y" * 65),
    "^[a-z0-9_]{3,32}/[A-Za-z0-9_-]{1,64}$": ("raju/phone", "raju", "raju/", "raju/a/b"),
    "^[a-z0-9._-]{1,32}$": ("olm.v1", "Olm", ""),
    "^[A-Za-z0-9+/]{43}$": ("k" * 43, "k" * 42, "=" * 43),
    "^[A-Za-z0-9+/]{86}$": ("s" * 86, "s" * 87),
    "^[A-Za-z0-9+/_-]{1,64}$": ("AAAA+/", "A=", ""),
    "^[A-Za-z0-9:_-]{1,512}$": ("tok:en", "tok en"),
    "^[!-?A-~]{1,64}@[!-?A-~]{1,189}$": ("ravi@x.org", "ravi", "@x.org", "ravi@", "a b@x.org"),
    "^[!-~]{1,64}$": ("123456", "12 34", "", "1" * 65),
}
MESSAGE_IDS = (
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "01ARZ3NDEKTSV4RRFFQ69G5FAI",
    "123e4567e89b12d3a456426614174000",
)


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((frames.SCHEMAS / f"{name}.json").read_text())
    return schema


def _right(schema: dict[str, Any]) -> Any:
    """One document that fits a schema, with the required properties."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        first = [part[0] for key in ("oneOf", "anyOf") if (part := schema.get(key))]
        required = [name for each in (schema, *first) for name in each.get("required", ())]
        return {name: _right(schema["properties"][name]) for name in required}
    if schema["type"] == "array":
        return [_right(schema["items"])] * schema.get("minItems", 0)
    if "pattern" in schema:
        return BY_PATTERN.get(schema["pattern"], MESSAGE_IDS)[0]
    if "string" in schema["type"]:  # also of those that may be null
        return "x" * schema.get("minLength", 1)
    return True if schema["type"] == "boolean" else 1


def _near(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Documents that nearly fit a schema: each part as it should be, or nearly, or anything."""
    if "const" in schema:
        fitting: st.SearchStrategy[Any] = st.just(schema["const"])
    elif "enum" in schema:
        fitting = st.sampled_from(schema["enum"])
    elif schema.get("type") == "object":
        fitting = _near_object(schema)
    elif schema.get("type") == "array":
        fitting = st.lists(_near(schema.get("items", {})), max_size=2)
    elif "pattern" in schema:
        good, *bad = BY_PATTERN.get(schema["pattern"], MESSAGE_IDS)
        fitting = _rarely(st.sampled_from(bad), else_=st.just(good))
    elif schema.get("type") in ("integer", "number"):
        edges = st.sampled_from([-1, 0, 1e12, 10**12, 1.5, 999_999_999_999])
        fitting = _rarely(edges, else_=st.integers(1, 3))
    elif schema.get("type") == "boolean":
        fitting = st.booleans()
    else:
        fitting = _rarely(TEXTS | st.none(), else_=st.just("x"))
    return _rarely(ANYTHING, else_=fitting)


def _rarely(
    rare: st.SearchStrategy[Any], *, else_: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    return st.integers(0, 15).flatmap(lambda dice: rare if dice == 7 else else_)


def _near_object(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    parts = {name: _near(part) for name, part in schema.get("properties", {}).items()}
    required = set(schema.get("required", ()))
    whole = st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )
    if "additionalProperties" in schema:
        names = _near(schema.get("propertyNames", {})).filter(lambda name: isinstance(name, str))
        more = st.dictionaries(names, _near(schema["additionalProperties"]), max_size=3)
        whole = st.builds(lambda one, other: {**one, **other}, whole, more)

    def without_one(document: dict[str, Any], name: str) -> dict[str, Any]:
        return {key: value for key, value in document.items() if key != name}

    damaged = st.builds(without_one, whole, st.sampled_from([*sorted(parts), "nothing"]))
    return _rarely(damaged, else_=whole)


def _accepts(name: str, document: Any) -> bool:
    before = copy.deepcopy(document)
    try:
        assert frames.validate(name, document) == before, "a validator changes nothing"
    except ChatError as error:
        assert error.code == "bad_request" and len(error.message) <= 400
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_compiled_validator_agrees_with_draft_2020_12(name: str) -> None:
    schema = _schema(name)
    Draft202012Validator.check_schema(schema)
    oracle = Draft202012Validator(schema)
    right = _right(schema)
    wrong = {**right, next(iter(schema["properties"])): None}
    verdicts = set()

    @examples(100)
    @given(_near(schema))
    @example(right)
    @example(wrong)
    def agree(document: Any) -> None:
        document = frames.decode(json.dumps(document))  # as it comes off the wire: 1.0 is 1
        verdict = _accepts(name, document)
        assert verdict == oracle.is_valid(document)
        verdicts.add(verdict)

    agree()
    assert verdicts == {True, False}


def test_schemas_keep_to_keywords_that_did_not_change_since_draft_7() -> None:
    def keywords(schema: Any) -> set[str]:
        inner = [
            *schema.get("properties", {}).values(),
            *(
                schema[key]
                for key in ("items", "additionalProperties", "propertyNames")
                if key in schema
            ),
            *(part for key in ("oneOf", "anyOf") for part in schema.get(key, ())),
        ]
        return set(schema).union(*map(keywords, inner))

    others = {name: keywords(_schema(name)) - KEYWORDS for name in NAMES}
    assert {name: found for name, found in others.items() if found} == {}


def test_a_schema_says_what_it_is_for() -> None:
    schemas = {name: _schema(name) for name in NAMES}
    assert [
        name for name in NAMES if not (schemas[name]["title"] and schemas[name]["description"])
    ] == []
    for kind, field in {"client": "action", "server": "type"}.items():
        those = {name: schemas[name] for name in NAMES if name.startswith(f"{kind}/")}
        said = {f"{kind}/{each['title']}": each["properties"][field] for each in those.values()}
        assert said == {name: {"const": Path(name).name} for name in those}
        assert [name for name, each in those.items() if field not in each["required"]] == []


def test_a_name_does_not_end_with_a_newline() -> None:
    with pytest.raises(ChatError):
        frames.parse_frame('{"action": "watch", "users": ["raju\\n"]}')
    with pytest.raises(ChatError):
        frames.parse_frame('{"action": "typing", "chat": "x\\n"}')


@rows(
    "text",
    [
        b"\xff\xfe",
        b'"\xc3\x28"',
        b'"\xed\xa0\x80"',
        '"\\ud800"',
        '{"\\udc00": 1}',
        "NaN",
        "[-Infinity]",
        "1e999",
        "[" * 50_000,
        "[" * 50_000 + "]" * 50_000,
        '{"a":' * 20_000 + "1" + "}" * 20_000,
        "1" * 5000,
        "",
        "{}{}",
        "{'a': 1}",
        "\ufeff{}",
    ],
)
def test_what_is_not_json_is_a_bad_request(text: str | bytes) -> None:
    with pytest.raises(ChatError) as error:
        frames.decode(text)
    assert error.value.code == "bad_request"


@given(st.binary(max_size=40) | texts(max_size=40))
def test_decoding_returns_a_text_or_an_error_and_raises_nothing_else(text: str | bytes) -> None:
    try:
        document = frames.decode(text)
    except ChatError as error:
        assert error.code == "bad_request"
    else:
        frames.encode(document).encode()


@given(ANYTHING)
def test_what_was_encoded_is_decoded_to_the_same(document: Any) -> None:
    assert frames.decode(frames.encode({"x": document}).encode()) == {"x": document}


def test_payloads_do_not_grow_on_their_way() -> None:
    assert frames.encode({"payload": "ü🙂"}) == '{"payload":"ü🙂"}'


def test_every_error_of_ours_is_one_of_the_protocol() -> None:
    for name in ("server/error", "rest/error.response"):
        assert set(STATUS) == set(_codes(_schema(name)))
    frame = frames.error_frame(bad_request("x"), '{"action": "send", "message_id": 5, "chat": "c"}')
    context = {"action": "send", "chat": "c"}
    assert frame == {"type": "error", "code": "bad_request", "message": "x", **context}
    assert frames.error_frame(bad_request("x"), "[1]") == frames.error_frame(bad_request("x"), "{")
    long = json.dumps({"action": "a" * 65})
    assert "action" not in frames.error_frame(bad_request("x"), long)


def _codes(schema: Any) -> list[str]:
    properties = schema["properties"]
    properties = properties["error"]["properties"] if "error" in properties else properties
    codes: list[str] = properties["code"]["enum"]
    return codes


def test_actions_are_those_that_have_a_schema() -> None:
    stems = {Path(name).name for name in NAMES if name.startswith("client/")}
    assert frames.client_actions() == stems


@pytest.mark.parametrize(
    ("name", "document", "message"),
    [
        (
            "rest/sign-up.request",
            {"username": "Ravi!", "password": "x" * 12},
            "username must be 3 ",
        ),
        ("rest/sign-up.request", {"username": "ravi"}, "the document lacks password"),
        (
            "rest/setting.request",
            {"groups": "friends"},
            "groups must be one of everybody, contacts, nobody",
        ),
    ],
)
def test_errors_are_explained_in_words(name: str, document: Any, message: str) -> None:
    with pytest.raises(ChatError, match=message) as rejected:
        frames.validate(name, document)
    assert not set("^$[]{}") & set(rejected.value.message)


def test_no_pattern_of_the_schemas_is_shown_to_people() -> None:
    for path in sorted(frames.SCHEMAS.rglob("*.json")):
        for pattern in re.findall(r'"pattern": "([^"]+)"', path.read_text(encoding="utf-8")):
            words = frames._form(json.loads(f'"{pattern}"'))
            assert pattern not in words and "description" not in words, (path.name, words)
