from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.tables import ConditionFailed, Table, TransactionCancelled, transact
from lambdas.throttling import TooBusy
from tests.model.dynamodb import DynamoDB, TransactionConflict, failure
from tests.model.world import TABLES


class Busy(DynamoDB):
    """Leaves part of each batch undone, and has items held up by transactions, `times` times."""

    def __init__(self, times: int) -> None:
        super().__init__(TABLES)
        self.times = times
        self.calls = 0

    def _is_busy(self) -> bool:
        self.calls += 1
        self.times -= 1
        return self.times >= 0

    def put_item(self, **request: Any) -> Any:
        self._meet_a_transaction()
        return super().put_item(**request)

    def update_item(self, **request: Any) -> Any:
        self._meet_a_transaction()
        return super().update_item(**request)

    def delete_item(self, **request: Any) -> Any:
        self._meet_a_transaction()
        return super().delete_item(**request)

    def _meet_a_transaction(self) -> None:
        if self._is_busy():
            raise failure(TransactionConflict, "TransactionConflictException")

    def batch_get_item(self, **request: Any) -> Any:
        ((table, asked),) = request["RequestItems"].items()
        if not self._is_busy():
            return super().batch_get_item(**request)
        first, rest = asked["Keys"][:1], asked["Keys"][1:]
        response = super().batch_get_item(RequestItems={table: {**asked, "Keys": first}})
        left = {table: {**asked, "Keys": rest}} if rest else {}
        return {**response, "UnprocessedKeys": left}

    def batch_write_item(self, **request: Any) -> Any:
        ((table, writes),) = request["RequestItems"].items()
        if not self._is_busy():
            return super().batch_write_item(**request)
        super().batch_write_item(RequestItems={table: writes[:1]})
        return {"UnprocessedItems": {table: writes[1:]} if writes[1:] else {}}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def _users(times: int = 0) -> tuple[Table, Busy]:
    client = Busy(times)
    return Table(client, "Users"), client  # type: ignore[arg-type] # stands in for the client


def _items(number: int) -> list[dict[str, Any]]:
    return [{"user": "raju", "item": f"x#{place:03d}", "place": place} for place in range(number)]


@pytest.mark.parametrize("times", [0, 1, 4])
def test_batches_are_finished_in_as_many_calls_as_it_takes(times: int) -> None:
    users, client = _users()
    users.batch_write(puts=_items(230))
    assert client.calls == 10
    client.times = times
    keys = [{"user": "raju", "item": item["item"]} for item in _items(230)]
    found = users.batch_get([*keys, {"user": "nobody", "item": "x"}])
    assert sorted(item["place"] for item in found) == list(range(230))
    client.times = times
    users.batch_write(deletes=keys)
    assert users.query({"user": "raju"}).items == []


def test_keys_that_were_left_over_are_asked_for_as_the_first_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users, client = _users()
    users.batch_write(puts=_items(5))
    asked: list[dict[str, Any]] = []
    get = client.batch_get_item

    def recorded(**request: Any) -> Any:
        asked.append({**request["RequestItems"]["Users"], "Keys": ()})
        return get(**request)

    client.times = 2
    monkeypatch.setattr(client, "batch_get_item", recorded)
    users.batch_get(
        [{"user": "raju", "item": item["item"]} for item in _items(5)],
        consistent=True,
        only=("place",),
    )
    assert asked == [asked[0]] * 3 and asked[0]["ConsistentRead"] is True


def test_a_batch_that_is_never_finished_is_an_error() -> None:
    users, _ = _users(times=99)
    with pytest.raises(TimeoutError):
        users.batch_write(puts=_items(25))
    with pytest.raises(TimeoutError):
        users.batch_get({"user": "raju", "item": item["item"]} for item in _items(25))


X = {"user": "raju", "item": "x"}
WRITES: dict[str, Callable[[Table], object]] = {
    "put": lambda users: users.put(X),
    "update": lambda users: users.update(X, "SET n = :n", n=1),
    "delete": lambda users: users.delete(X),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_waits_for_a_transaction_to_end(write: str) -> None:
    users, client = _users(times=4)
    WRITES[write](users)
    assert client.calls == 5
    client.times = 99
    with pytest.raises(TooBusy):
        WRITES[write](users)
    assert client.calls == 10


def test_a_failed_condition_brings_what_stands_there() -> None:
    users, _ = _users()
    users.put({"user": "raju", "item": "x", "n": 1})
    with pytest.raises(ConditionFailed) as failed:
        users.put({"user": "raju", "item": "x", "n": 2}, "n = :n", n=5)
    assert failed.value.item == {"user": "raju", "item": "x", "n": 1}
    with pytest.raises(ConditionFailed) as failed:
        users.update({"user": "raju", "item": "y"}, "SET n = :n", "attribute_exists(n)", n=5)
    assert failed.value.item is None


def test_a_query_goes_on_page_by_page_in_both_forms() -> None:
    users, _ = _users()
    users.batch_write(puts=_items(25))
    users.put({"user": "raju", "item": "z"})
    assert len(list(users.query_all({"user": "raju"}, prefix="x#", limit=7))) == 25
    between = list(users.query_all({"user": "raju"}, between=("x#003", "x#011"), limit=2))
    assert [item["place"] for item in between] == list(range(3, 12))
    page = users.query({"user": "raju"}, prefix="x#", limit=2, start={"user": "raju", "item": "x#"})
    assert [item["place"] for item in page.items] == [0, 1]
    assert page.next == {"user": "raju", "item": "x#001"}


def test_each_page_of_a_query_is_read_like_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    users, client = _users()
    users.batch_write(puts=_items(5))
    asked: list[dict[str, Any]] = []
    query = client.query

    def recorded(**request: Any) -> Any:
        asked.append({name: request[name] for name in request if name != "ExclusiveStartKey"})
        return query(**request)

    monkeypatch.setattr(client, "query", recorded)
    assert len(list(users.query_all({"user": "raju"}, prefix="x#", limit=2, consistent=True))) == 5
    assert asked == [asked[0]] * 3 and asked[0]["ConsistentRead"] is True


def test_a_transaction_is_all_or_nothing_and_says_which_action_failed() -> None:
    users, _ = _users()
    users.put({"user": "raju", "item": "x"})
    actions = [
        users.put_action({"user": "raju", "item": "y"}),
        users.put_action(
            {"user": "raju", "item": "x"}, "attribute_not_exists(chat) AND n = :n", n=1
        ),
    ]
    with pytest.raises(TransactionCancelled) as cancelled:
        transact(users, actions)
    assert cancelled.value.reasons == ["None", "ConditionalCheckFailed"]
    assert users.get({"user": "raju", "item": "y"}) is None


def test_other_faults_are_not_hidden() -> None:
    users, _ = _users()
    with pytest.raises(ClientError, match="ValidationException"):
        users.update({"user": "raju", "item": "x"}, "SET a.b = :n", n=1)
