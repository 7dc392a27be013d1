"""The model that the clients' types are generated from: its exceptions exist, its types have names."""

import pytest

from protocol import model
from protocol.model import Body, Field, ListOf, Nested, Scalar, frames, nested, rest


def bodies() -> dict[str, set[str]]:
    outer = frames("server") + rest("response")
    return {each.type_name: {field.name for field in each.fields} for each in outer + nested(outer)}


def test_every_exception_to_the_schemas_is_one_of_a_field_that_exists() -> None:
    found = bodies()
    for name, fields in model.LENIENT.items():
        assert fields <= found[name]
    for name, field in model.KINDS:
        assert field in found[name]


def test_an_object_inside_another_needs_a_title() -> None:
    inner = {"type": "object", "properties": {"user": {"type": "string"}}}
    with pytest.raises(ValueError, match=r"Wave\.by: an object inside another needs a title"):
        model.body({"title": "wave", "properties": {"by": inner}}, "Wave")


def test_two_different_objects_cannot_have_one_title() -> None:
    def holder(name: str, kind: str) -> Body:
        field = Field("x", Scalar(kind), required=True, lenient=False, description="")
        inner = Nested(Body("Inner", "Inner", "", (field,)))
        return Body(name, name, "", (Field("y", ListOf(inner), True, False, ""),))

    assert len(nested([holder("One", "text"), holder("Two", "text")])) == 1
    with pytest.raises(ValueError, match="two different objects have the title Inner"):
        nested([holder("One", "text"), holder("Two", "count")])
