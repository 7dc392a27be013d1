from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from lambdas.attribute_values import from_wire, to_wire
from tests.support.examples import texts

SCALARS = texts() | st.integers(-(10**37), 10**37) | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS | st.sets(texts(), min_size=1, max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(), inner, max_size=4),
    max_leaves=12,
)


def _sorted_sets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: sorted(part) if name == "SS" else _sorted_sets(part)
            for name, part in value.items()
        }
    return [_sorted_sets(part) for part in value] if isinstance(value, list) else value


@given(st.dictionaries(texts(min_size=1), VALUES, max_size=5))
def test_values_go_out_as_boto3_writes_them_and_come_back_as_they_were(
    item: dict[str, Any],
) -> None:
    wire = to_wire(item)
    serialize = TypeSerializer().serialize
    assert _sorted_sets(wire) == {
        name: _sorted_sets(serialize(value)) for name, value in item.items()
    }
    assert from_wire(wire) == item


@given(VALUES)
def test_values_are_read_as_boto3_reads_them(value: Any) -> None:
    wire = TypeSerializer().serialize(value)
    assert from_wire({"x": wire})["x"] == TypeDeserializer().deserialize(wire)


@pytest.mark.parametrize("value", [1.5, b"x", set(), object()])
def test_what_has_no_place_is_rejected(value: Any) -> None:
    with pytest.raises(TypeError):
        to_wire({"x": value})
    with pytest.raises(TypeError):
        from_wire({"x": {"B": b"x"}})
