"""What reads and updates of DynamoDB return, and what of an index or a key they may ask for.

Sources: API references of Query (Limit, LastEvaluatedKey, Select), UpdateItem (ReturnValues),
TransactWriteItems (cancellation reasons), UpdateTimeToLive; "Using projection expressions" and
"Naming rules", developer guide; dynalite's tests (github.com/architect/dynalite).
"""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

NAME = "reads"


def texts(**values: str) -> dict[str, Any]:
    return {name: {"S": value} for name, value in values.items()}


ITEM = {
    **texts(pk="a", sk="1", word="w", third="o", more="m"),
    "map": {"M": {"x": {"S": "1"}, "y": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}}},
}
KEY = texts(pk="a", sk="1")


@pytest.fixture(scope="module")
def client(aws: str) -> Any:
    made: Any = boto3.client("dynamodb", endpoint_url=aws)

    def index(name: str, kind: str, *attributes: str) -> dict[str, Any]:
        projection = {"ProjectionType": kind}
        return {
            "IndexName": name,
            "KeySchema": [{"AttributeName": "word", "KeyType": "HASH"}],
            "Projection": projection | ({"NonKeyAttributes": attributes} if attributes else {}),
        }

    made.create_table(
        TableName=NAME,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "word")
        ],
        GlobalSecondaryIndexes=[index("keys", "KEYS_ONLY"), index("some", "INCLUDE", "third")],
        BillingMode="PAY_PER_REQUEST",
    )
    return made


def test_what_a_local_index_does_not_project_is_read_from_the_table(client: Any) -> None:
    """Source: "Local secondary indexes", developer guide, "Attribute projections"."""
    names = {"pk": "HASH", "sk": "RANGE"}, {"pk": "HASH", "word": "RANGE"}
    of_table, of_index = (
        [{"AttributeName": name, "KeyType": kind} for name, kind in each.items()] for each in names
    )
    client.create_table(
        TableName="local",
        KeySchema=of_table,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "word")
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "words",
                "KeySchema": of_index,
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName="local", Item=ITEM)
    query = {
        "TableName": "local",
        "IndexName": "words",
        "KeyConditionExpression": "pk = :a",
        "ExpressionAttributeValues": {":a": {"S": "a"}},
    }
    assert client.query(**query)["Items"] == [texts(pk="a", sk="1", word="w")]
    for name, given in (("query", query), ("scan", {"TableName": "local", "IndexName": "words"})):
        found = getattr(client, name)(**given, ProjectionExpression="third, word")
        assert found["Items"] == [texts(third="o", word="w")]


@pytest.fixture
def item(client: Any) -> None:
    client.put_item(TableName=NAME, Item=ITEM)


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize(
    ("projection", "expected"),
    [
        ("#m.y[2], #m.y[0], #m.x", {"M": {"x": {"S": "1"}, "y": {"L": [{"N": "1"}, {"N": "3"}]}}}),
        ("#m.#y[1]", {"M": {"y": {"L": [{"N": "2"}]}}}),
        ("#m.x.z, #m.y[7], nothing", None),  # leads nowhere
        ("more.x, #m.x", {"M": {"x": {"S": "1"}}}),
    ],
)
def test_a_projection_takes_paths(client: Any, projection: str, expected: Any) -> None:
    names = {"#m": "map"} | ({"#y": "y"} if "#y" in projection else {})
    asked = {"ProjectionExpression": projection, "ExpressionAttributeNames": names}
    found = client.get_item(TableName=NAME, Key=KEY, **asked)["Item"]
    assert found == ({"map": expected} if expected else {})
    query = {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
    assert found in client.query(TableName=NAME, **query, **asked)["Items"]


def test_a_page_that_ends_with_its_limit_has_a_key(client: Any) -> None:
    for number in range(3):
        client.put_item(TableName=NAME, Item=texts(pk="p", sk=str(number), word="q"))
    asked: dict[str, Any] = {
        "TableName": NAME,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }
    page = client.query(**asked, Limit=3)
    assert page["LastEvaluatedKey"] == texts(pk="p", sk="2")
    after = client.query(**asked, Limit=3, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert (after["Items"], after.get("LastEvaluatedKey")) == ([], None)
    assert "LastEvaluatedKey" not in client.query(**asked, Limit=4)
    backwards = client.query(**asked, Limit=3, ScanIndexForward=False)
    assert backwards["LastEvaluatedKey"] == texts(pk="p", sk="0")
    asked["ExpressionAttributeValues"][":z"] = {"S": "z"}
    filtered = client.query(**asked, FilterExpression="word = :z", Limit=3)
    assert (filtered["Count"], filtered["LastEvaluatedKey"]) == (0, texts(pk="p", sk="2"))
    there = client.scan(TableName=NAME)["Count"]
    assert "LastEvaluatedKey" in client.scan(TableName=NAME, Limit=there)
    by_index: dict[str, Any] = {
        "TableName": NAME,
        "IndexName": "keys",
        "KeyConditionExpression": "word = :w",
        "ExpressionAttributeValues": {":w": {"S": "q"}},
    }
    assert client.query(**by_index, Limit=3)["LastEvaluatedKey"].keys() == {"pk", "sk", "word"}


@pytest.mark.usefixtures("item")
def test_an_index_gives_what_it_projects(client: Any) -> None:
    def read(index: str, **more: Any) -> Any:
        asked = {"ExpressionAttributeValues": {":w": {"S": "w"}}, **more}
        response = client.query(
            TableName=NAME, IndexName=index, KeyConditionExpression="word = :w", **asked
        )
        return response["Items"]

    assert read("keys") == [{**KEY, **texts(word="w")}]
    assert read("some", ProjectionExpression="third") == [texts(third="o")]
    with pytest.raises(ClientError, match=r"ValidationException.*some does not project \[more\]"):
        read("some", ProjectionExpression="third, more")
    with pytest.raises(
        ClientError, match=r"ValidationException.*not have the specified index: none"
    ):
        read("none")


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize(
    ("update", "returned", "expected"),
    [
        ("SET word = :w, third = :o", "UPDATED_NEW", texts(word="w", third="o")),
        ("SET word = :w, third = :p", "UPDATED_OLD", texts(word="w", third="o")),
        ("SET #m.x = :p", "UPDATED_NEW", {"map": {"M": {"x": {"S": "p"}}}}),
        ("SET more = if_not_exists(nothing, :p)", "UPDATED_OLD", texts(more="m")),
        ("REMOVE word", "UPDATED_NEW", None),
        ("SET fresh = pk", "UPDATED_NEW", texts(fresh="a")),  # keys can be read
    ],
)
def test_an_update_returns_all_that_it_sets(
    client: Any, update: str, returned: str, expected: Any
) -> None:
    values = {f":{name}": {"S": name} for name in "wop" if f":{name}" in update}
    given: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
    if "#m" in update:
        given["ExpressionAttributeNames"] = {"#m": "map"}
    found = client.update_item(
        TableName=NAME, Key=KEY, UpdateExpression=update, ReturnValues=returned, **given
    )
    assert found.get("Attributes") == expected
    assert "ConsumedCapacity" not in found
    client.delete_item(TableName=NAME, Key=KEY)


def test_capacity_and_collections_are_counted_where_that_is_asked_for(client: Any) -> None:
    put = {"TableName": NAME, "Item": texts(pk="counted", sk="1")}
    key = {"TableName": NAME, "Key": put["Item"]}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("put_item", put),
        ("get_item", key),
        ("update_item", key),
        ("batch_write_item", {"RequestItems": {NAME: [{"PutRequest": {"Item": put["Item"]}}]}}),
        ("batch_get_item", {"RequestItems": {NAME: {"Keys": [key["Key"]]}}}),
        ("transact_write_items", {"TransactItems": [{"Put": put}]}),
        ("transact_get_items", {"TransactItems": [{"Get": key}]}),
        ("scan", {"TableName": NAME}),
        ("delete_item", key),
    ]
    for name, given in calls:
        found = getattr(client, name)(**given)
        assert found.keys().isdisjoint({"ConsumedCapacity", "ItemCollectionMetrics"}), name
        asked = getattr(client, name)(**given, ReturnConsumedCapacity="TOTAL")
        assert "ConsumedCapacity" in asked, name


def test_an_item_that_an_update_makes_has_its_key(client: Any) -> None:
    key = texts(pk="new", sk="1")
    client.update_item(TableName=NAME, Key=key, UpdateExpression="SET word = pk")
    assert client.get_item(TableName=NAME, Key=key)["Item"]["word"] == {"S": "new"}
    client.delete_item(TableName=NAME, Key=key)


@pytest.mark.parametrize(
    ("operation", "expression"),
    [
        ("get_item", {"ProjectionExpression": "pk.x"}),
        ("put_item", {"ConditionExpression": "attribute_exists(sk[0])"}),
        ("scan", {"FilterExpression": "attribute_exists(word.x)"}),
    ],
)
def test_no_expression_looks_into_a_key(
    client: Any, operation: str, expression: dict[str, str]
) -> None:
    where = {"get_item": {"Key": KEY}, "put_item": {"Item": KEY}}.get(operation, {})
    with pytest.raises(ClientError, match=r"ValidationException.*Key attributes must be scalars"):
        getattr(client, operation)(TableName=NAME, **where, **expression)


LARGE = {
    "number": {"N": "9" * 38 + "0" * 88},
    "long": {"S": "x" * 3000},
    "large": {"S": "x" * 300_000},
    "deep": {"M": {}},
}
DEEP: dict[str, Any] = {"S": "x"}
for _ in range(32):  # one more is too many
    DEEP = {"L": [DEEP]}
VALUES = {
    ":n": {"N": "1"},
    ":most": LARGE["number"],
    ":tiny": {"N": "1e-130"},
    ":l": LARGE["large"],
}
VALUES |= {":deep": DEEP}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("ADD more :n", "incorrect data type"),
        ("SET nothing.x = :n", "document path provided in the update expression is invalid"),
        ("SET more = nothing + :n", "refers to an attribute that does not exist"),
        ("SET more = :l", "Item size to update has exceeded"),
        ("SET more = #large", "Item size to update has exceeded"),
        ("ADD #number :most", "Number overflow"),
        ("SET more = #number + :most", "Number overflow"),
        ("SET more = #number - :tiny", "more than 38 significant digits"),
        ("SET word = #number", "Type mismatch for key word expected: S actual: N"),
        ("SET word = #long", "secondary index key beyond allowed size limits"),
        ("SET deep.x = :deep", "Nesting Levels have exceeded supported limits"),
    ],
)
def test_a_transaction_says_which_update_did_not_fit_its_item(
    client: Any, expression: str, message: str
) -> None:
    client.put_item(TableName=NAME, Item={**ITEM, **LARGE})
    values = {name: value for name, value in VALUES.items() if name in expression}
    names = {"#" + name: name for name in LARGE if "#" + name in expression}
    update = {"TableName": NAME, "Key": KEY, "UpdateExpression": expression}
    update |= {"ExpressionAttributeValues": values} if values else {}
    update |= {"ExpressionAttributeNames": names} if names else {}
    put = {"Put": {"TableName": NAME, "Item": texts(pk="other", sk="1")}}
    with pytest.raises(ClientError, match=f"ValidationException.*{message}"):
        client.update_item(**update)
    with pytest.raises(client.exceptions.TransactionCanceledException) as raised:
        client.transact_write_items(TransactItems=[put, {"Update": update}])
    first, second = raised.value.response["CancellationReasons"]
    assert (first["Code"], second["Code"]) == ("None", "ValidationError")
    assert message in second["Message"]
    assert "Item" not in client.get_item(TableName=NAME, Key=texts(pk="other", sk="1"))
    assert client.get_item(TableName=NAME, Key=KEY)["Item"] == {**ITEM, **LARGE}


def test_a_key_of_an_index_that_an_update_makes_has_its_type(client: Any) -> None:
    update = {
        "TableName": NAME,
        "Key": texts(pk="new", sk="1"),
        "UpdateExpression": "ADD word :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }
    message = "attempted to update the secondary index key to unsupported type"
    with pytest.raises(ClientError, match=f"ValidationException.*{message}"):
        client.update_item(**update)
    with pytest.raises(client.exceptions.TransactionCanceledException) as raised:
        client.transact_write_items(TransactItems=[{"Update": update}])
    (reason,) = raised.value.response["CancellationReasons"]
    assert message in reason["Message"]
    assert "Item" not in client.get_item(TableName=NAME, Key=texts(pk="new", sk="1"))


def test_time_to_live_is_changed_once(client: Any) -> None:
    def change(enabled: bool, attribute: str) -> None:
        specification = {"Enabled": enabled, "AttributeName": attribute}
        client.update_time_to_live(TableName=NAME, TimeToLiveSpecification=specification)

    with pytest.raises(ClientError, match=r"ValidationException.*already disabled"):
        change(False, "expires")
    change(True, "expires")
    with pytest.raises(ClientError, match=r"ValidationException.*already enabled"):
        change(True, "expires")
    with pytest.raises(ClientError, match=r"ValidationException.*is active on a different"):
        change(True, "gone")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_time_to_live(TableName="nothing")


@pytest.mark.parametrize("name", ["ab", "a;bc", "a" * 256])
def test_a_table_that_can_not_have_its_name_is_not_looked_for(client: Any, name: str) -> None:
    get = {"Get": {"TableName": name, "Key": KEY}}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("describe_table", {"TableName": name}),
        ("get_item", {"TableName": name, "Key": KEY}),
        ("batch_get_item", {"RequestItems": {name: {"Keys": [KEY]}}}),
        ("transact_get_items", {"TransactItems": [get]}),
    ]
    for operation, given in calls:
        with pytest.raises(ClientError, match="ValidationException"):
            getattr(client, operation)(**given)


def test_a_set_may_have_an_empty_member(client: Any) -> None:
    """ "Empty string and binary values are allowed within a set": data types, developer guide."""
    item = {**texts(pk="set", sk="1"), "texts": {"SS": ["", "a"]}}
    client.put_item(TableName=NAME, Item=item)
    assert set(
        client.get_item(TableName=NAME, Key=texts(pk="set", sk="1"))["Item"]["texts"]["SS"]
    ) == {"", "a"}
