"""The short way through moto's Query gives what moto's own way gives, item for item."""

from __future__ import annotations

import copy
import inspect
import random
from collections import defaultdict
from typing import Any

import pytest
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from emulator.aws.dynamodb_query import KeyRange, Partition, View, candidates, key_range_of

COMPARISONS = [None, "EQ", "LE", "LT", "GE", "GT", "BETWEEN", "BEGINS_WITH"]


_Table: Any = Table  # declared abstract for CloudFormation's sake


def table(range_type: str) -> Any:
    made: Any = _Table(
        "chats",
        account_id="123456789012",
        region="us-east-1",
        schema=[
            {"AttributeName": "chat", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        attr=[
            {"AttributeName": "chat", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": range_type},
        ],
    )
    made.items = defaultdict(Partition)
    return made


def value(random_: random.Random, range_type: str) -> str:
    if range_type == "N":
        return str(random_.choice([random_.randint(-30, 30), round(random_.uniform(-9, 9), 2)]))
    return "".join(random_.choice("ab#é😀") for _ in range(random_.randint(1, 4)))


def fill(made: Any, random_: random.Random, range_type: str) -> None:
    for _ in range(random_.randint(0, 60)):
        key = {
            "chat": {"S": random_.choice("xyz")},
            "item": {range_type: value(random_, range_type)},
        }
        if random_.random() < 0.25:
            made.delete_item(DynamoType(key["chat"]), DynamoType(key["item"]))
        else:
            made.put_item({**key, "n": {"N": str(random_.randint(0, 9))}, "pad": {"S": "p" * 40}})
        if random_.random() < 0.2:  # the order is made while the table changes
            candidates(made, KeyRange(DynamoType(key["chat"]), None, [], None, None, True))


def questions(random_: random.Random, range_type: str) -> dict[str, Any]:
    comparison = random_.choice(COMPARISONS[: -1 if range_type == "N" else None])
    count = {None: 0, "BETWEEN": 2}.get(comparison, 1)
    start = None
    if random_.random() < 0.4:
        chat = random_.choice("xxxy")
        start = {"chat": {"S": chat}, "item": {range_type: value(random_, range_type)}}
    filter_expression = None
    if random_.random() < 0.3:
        filter_expression = get_filter_expression("n > :n", {}, {":n": {"N": "4"}})
    return {
        "hash_key": DynamoType({"S": random_.choice("xxyw")}),
        "range_comparison": comparison,
        "range_objs": [DynamoType({range_type: value(random_, range_type)}) for _ in range(count)],
        "limit": random_.choice([None, None, 1, 2, 3, 10]),
        "exclusive_start_key": start,
        "scan_index_forward": random_.random() < 0.5,
        "projection_expressions": random_.choice([None, [["n"]]]),
        "filter_expression": filter_expression,
    }


def response(seen: Any, question: dict[str, Any]) -> tuple[list[Any], int, Any]:
    items, scanned, last = Table.query(seen, **copy.deepcopy(question))
    return (
        [item.to_json() for item in items],
        scanned,
        last and {k: v.to_json() for k, v in last.items()},
    )


@pytest.mark.parametrize("range_type", ["S", "N"])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(1, 4))]
)
def test_any_query_gives_what_moto_gives(range_type: str, seed: int) -> None:
    random_ = random.Random(f"{range_type}{seed}")
    made = table(range_type)
    for _ in range(10):
        fill(made, random_, range_type)
        for _ in range(15):
            question = questions(random_, range_type)
            call = inspect.signature(Table.query).bind(made, **question)
            call.apply_defaults()
            asked = key_range_of(made, call.arguments)
            assert asked is not None
            seen = View(made, candidates(made, asked))
            assert response(seen, question) == response(made, question)


def test_a_small_range_of_a_large_chat_shows_moto_a_few_items() -> None:
    made = table("S")
    for number in range(2000):
        made.put_item({"chat": {"S": "x"}, "item": {"S": f"message#{number:012}"}})
    operands = [DynamoType({"S": f"message#{number:012}"}) for number in (100, 104)]
    seen = candidates(made, KeyRange(DynamoType({"S": "x"}), "BETWEEN", operands, None, None, True))
    assert len(seen) == 6
    seen = candidates(made, KeyRange(DynamoType({"S": "x"}), None, [], 3, None, False))
    numbers = [each.range_key.value[-4:] for each in seen if each.range_key]
    assert numbers == ["1996", "1997", "1998", "1999"]


def test_a_copied_partition_keeps_its_items_and_their_order() -> None:
    partition = Partition()
    for letter in "cab":
        key = DynamoType({"S": letter})
        partition[key] = Item(DynamoType({"S": "x"}), key, {"item": {"S": letter}})
    partition.ordered()
    copied = copy.deepcopy(partition)
    copied.pop(DynamoType({"S": "b"}))
    assert [each for each, _ in partition.ordered()] == ["a", "b", "c"]
    assert [each for each, _ in copied.ordered()] == ["a", "c"]
