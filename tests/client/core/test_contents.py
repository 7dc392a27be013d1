"""What messages hold: every kind against the vectors, the schema, and whatever else may come."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.core.content import (
    KINDS,
    LONGEST_TEXT,
    UNKNOWN,
    UNREADABLE,
    MessageContent,
    Reference,
    clean,
    parse,
    text_content,
    written,
)
from client.core.view import Change, newest, view
from tests.support.examples import examples, texts
from tests.support.rows import rows

PROTOCOL = Path(__file__).parents[3] / "protocol"


def read(name: str) -> Any:
    return json.loads((PROTOCOL / f"{name}.json").read_text(encoding="utf-8"))


CONTENTS, VIEWS = read("vectors/contents"), read("vectors/views")
# `$` is the end in ECMAScript, whose patterns JSON Schema has; in Python a line may end before it.
PATTERNS = (PROTOCOL / "content/content.json").read_text(encoding="utf-8").replace('$"', '\\\\Z"')
SCHEMA = jsonschema.Draft202012Validator(json.loads(PATTERNS))
what = lambda entry: entry["what"]  # noqa: E731 - names a test


@rows("entry", CONTENTS["good"], ids=what)
def test_a_content_is_read_and_written_as_it_is(entry: dict[str, Any]) -> None:
    content = parse(entry["content"])
    assert content.kind == entry["content"]["kind"]
    assert written(content) == entry["content"]
    SCHEMA.validate(entry["content"])


@rows("entry", CONTENTS["unreadable"], ids=what)
def test_a_content_with_a_wrong_field_is_unreadable(entry: dict[str, Any]) -> None:
    assert parse(entry["content"]).kind == UNREADABLE
    assert not SCHEMA.is_valid(entry["content"])


@pytest.mark.parametrize("entry", CONTENTS["unknown"], ids=what)
def test_what_a_newer_client_sends_is_unknown_and_kept_as_it_came(entry: dict[str, Any]) -> None:
    content = parse(entry["content"])
    assert content.kind == UNKNOWN
    assert content.shown
    assert written(content) == entry["content"]


@pytest.mark.parametrize("entry", CONTENTS["cleaned"], ids=what)
def test_nothing_in_a_name_steers_what_is_around_it(entry: dict[str, Any]) -> None:
    assert clean(entry["name"]) == entry["shown"]
    content = parse({"v": 1, "kind": "chat_name", "name": entry["name"]})
    assert content.fields == {"name": entry["shown"]}


def test_fields_that_are_not_known_are_ignored() -> None:
    assert parse(CONTENTS["more"]) == text_content("hello")


def test_a_text_is_as_long_as_the_schema_says() -> None:
    for length, kind in ((LONGEST_TEXT, "text"), (LONGEST_TEXT + 1, UNREADABLE)):
        content = {"v": 1, "kind": "text", "text": "\U0001f44b" * length}
        assert parse(content).kind == kind
        assert SCHEMA.is_valid(content) == (kind == "text")


def test_every_kind_is_in_the_schema_and_has_a_vector() -> None:
    named = {one["properties"]["kind"]["const"] for one in read("content/content")["oneOf"]}
    assert named == set(KINDS) == {entry["content"]["kind"] for entry in CONTENTS["good"]}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts(max_size=9),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(texts(max_size=5), some, max_size=3),
    max_leaves=6,
)


@examples(300)
@given(data=st.data())
def test_a_field_that_is_replaced_by_anything_is_read_as_the_schema_says(data: Any) -> None:
    content = dict(data.draw(st.sampled_from(CONTENTS["good"]))["content"])
    name = data.draw(st.sampled_from(sorted(content.keys() - {"v", "kind"})))
    content[name] = data.draw(ANYTHING)
    assert (parse(content).kind == content["kind"]) == SCHEMA.is_valid(content)


# -- what is seen of it


def changes(entries: list[dict[str, Any]]) -> list[Change]:
    return [
        Change(entry["user"], parse(entry["content"]), entry["seq"], number)
        for number, entry in enumerate(entries)
    ]


@rows("entry", VIEWS["messages"], ids=what)
def test_a_message_is_seen_the_same_in_whatever_order_its_changes_come(
    entry: dict[str, Any],
) -> None:
    target = Reference(**VIEWS["of"])
    for order in itertools.permutations(changes(entry["changes"])):
        seen = view(target, [*order, *order])  # and however often
        assert seen.text == entry["text"]
        assert seen.deleted == entry["deleted"]
        assert [list(each) for each in seen.reactions] == entry["reactions"]


@rows("entry", VIEWS["names"], ids=what)
def test_the_last_name_in_the_log_counts_in_whatever_order_they_come(entry: dict[str, Any]) -> None:
    for order in itertools.permutations(changes(entry["writings"])):
        found = newest([*order, *order])
        assert (found and found.content.fields["name"]) == entry["name"]


def test_what_is_not_accepted_yet_is_the_newest() -> None:
    target = Reference(**VIEWS["of"])
    of = target._asdict()
    waiting = Change("ravi", MessageContent("edit", {"of": of, "text": "mine"}), None, 1)
    placed = Change("ravi", MessageContent("edit", {"of": of, "text": "older"}), 9, 2)
    assert view(target, [waiting, placed]).text == "mine"
