"""DynamoDB in memory behind the boto3 client's methods, as far as lambdas/tables.py uses them.

Beside what moto does it keeps the last version of an item, so that reads that are not consistent
can be given it, and it tells a listener of each write, as a stream would. Items are never changed
in place.
"""

import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.model.expressions import InvalidPath, Item, holds, updated

Request = dict[str, Any]
Answer = dict[str, Any]
Key = tuple[str, str]
Listener = Callable[[str, Item | None, Item | None], None]  # table, old, new


def failure(kind: type[ClientError], code: str, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": code}, **more}
    return kind(answer, "operation")


class ConditionalCheckFailed(ClientError):
    pass


class TransactionCanceled(ClientError):
    pass


class TransactionConflict(ClientError):
    pass


class DynamoDB:
    """The client. `lag` says whether a read that is not consistent shows what an item was before
    its last write, which is at most `stale_seconds` ago.

    `page` is how many items a Query reads at once: what 1 MB is to DynamoDB.
    """

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=ConditionalCheckFailed,
        TransactionCanceledException=TransactionCanceled,
        TransactionConflictException=TransactionConflict,
    )

    def __init__(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._keys = keys
        self._items: dict[str, dict[str, dict[str, Item]]] = {name: {} for name in keys}
        self._before: dict[tuple[str, Key], tuple[float, Item | None]] = {}  # when, what
        self.listeners: list[Listener] = []
        self.lag: Callable[[], bool] = lambda: False
        self.clock: Callable[[], float] = lambda: 0.0
        self.stale_seconds = float("inf")
        self.page = sys.maxsize
        self.pages = 0  # after which something followed

    # -- single items

    def get_item(self, **request: Any) -> Answer:
        table, key = request["TableName"], self._key(request["TableName"], request["Key"])
        item = self._read(table, key, request.get("ConsistentRead", False))
        return {"Item": item} if item is not None else {}

    def put_item(self, **request: Any) -> Answer:
        table, item = request["TableName"], request["Item"]
        key = self._key(table, item)
        self._require(request, self._read(table, key))
        self._write(table, key, item)
        return {}

    def update_item(self, **request: Any) -> Answer:
        table, key = request["TableName"], self._key(request["TableName"], request["Key"])
        old = self._read(table, key)
        self._require(request, old)
        new = self._updated(request, old)
        self._write(table, key, new)
        returned = {"ALL_NEW": new, "ALL_OLD": old}.get(request.get("ReturnValues", "NONE"))
        return {"Attributes": returned} if returned else {}

    def delete_item(self, **request: Any) -> Answer:
        table, key = request["TableName"], self._key(request["TableName"], request["Key"])
        old = self._read(table, key)
        self._require(request, old)
        self._write(table, key, None)
        return {"Attributes": old} if old is not None else {}

    # -- many items

    def query(self, **request: Any) -> Answer:
        table = request["TableName"]
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        consistent = request.get("ConsistentRead", False)
        partition = self._items[table].get(values[":p"]["S"], {})
        assert names["#p"] == self._keys[table][0]
        hits = [
            key
            for key in sorted(partition, reverse=not request.get("ScanIndexForward", True))
            if _in_range(key, values)
        ]
        if "ExclusiveStartKey" in request:
            start = request["ExclusiveStartKey"][self._keys[table][1]]["S"]
            assert request.get("ScanIndexForward", True)
            hits = [key for key in hits if key > start]
        limit = min(request.get("Limit", self.page), self.page)
        items = [
            item
            for key in hits[:limit]
            if (item := self._read(table, (values[":p"]["S"], key), consistent)) is not None
        ]
        answer: Answer = {"Items": items}
        self.pages += len(hits) > self.page
        if len(hits) >= limit:  # as DynamoDB does, also where nothing follows
            last = partition[hits[limit - 1]]
            answer["LastEvaluatedKey"] = {name: last[name] for name in self._keys[table]}
        return answer

    def batch_get_item(self, **request: Any) -> Answer:
        found: dict[str, list[Item]] = {}
        for table, asked in request["RequestItems"].items():
            keys = [self._key(table, key) for key in asked["Keys"]]
            assert 0 < len(keys) <= 100 and len(set(keys)) == len(keys), "ValidationException"
            items = [self._read(table, key, asked.get("ConsistentRead", False)) for key in keys]
            found[table] = [_projected(item, asked) for item in items if item is not None]
        return {"Responses": found, "UnprocessedKeys": {}}

    def batch_write_item(self, **request: Any) -> Answer:
        for table, writes in request["RequestItems"].items():
            bodies = [body for write in writes for body in write.values()]
            keys = {self._key(table, each.get("Item") or each["Key"]) for each in bodies}
            assert 0 < len(writes) <= 25 and len(keys) == len(writes), "ValidationException"
            for write in writes:
                if "PutRequest" in write:
                    item = write["PutRequest"]["Item"]
                    self._write(table, self._key(table, item), item)
                else:
                    key = self._key(table, write["DeleteRequest"]["Key"])
                    self._write(table, key, None)
        return {"UnprocessedItems": {}}

    def transact_write_items(self, **request: Any) -> Answer:
        actions = [next(iter(each.items())) for each in request["TransactItems"]]
        assert 0 < len(actions) <= 100, "ValidationException"
        writes: list[tuple[str, Key, Item | None]] = []
        checked: list[tuple[str, Key]] = []
        reasons = []
        for kind, action in actions:
            table = action["TableName"]
            key = self._key(table, action["Item"] if kind == "Put" else action["Key"])
            old = self._read(table, key)
            if not self._holds(action, old):
                asks_for_it = "ReturnValuesOnConditionCheckFailure" in action
                more = {"Item": old} if old is not None and asks_for_it else {}
                reasons.append({"Code": "ConditionalCheckFailed", **more})
                continue
            reasons.append({"Code": "None"})
            if kind == "ConditionCheck":
                checked.append((table, key))
                continue
            new = action["Item"] if kind == "Put" else None
            writes.append((table, key, self._updated(action, old) if kind == "Update" else new))
        items = [*checked, *(write[:2] for write in writes)]
        assert len(set(items)) == len(items), "ValidationException"
        if len(items) < len(actions):
            code = "TransactionCanceledException"
            raise failure(TransactionCanceled, code, CancellationReasons=reasons)
        for write in writes:
            self._write(*write)
        return {}

    # -- the table

    def expired(self, table: str, now: float) -> list[Item]:
        """What DynamoDB may delete by its TTL at `now` (epoch seconds), with `expires_at`."""
        return [
            item
            for partition in self._items[table].values()
            for item in partition.values()
            if "expires_at" in item and int(item["expires_at"]["N"]) <= now
        ]

    def _key(self, table: str, item: Item) -> Key:
        values = [item[name]["S"] for name in self._keys[table]]
        return values[0], values[1] if len(values) > 1 else ""

    def _read(self, table: str, key: Key, consistent: bool = True) -> Item | None:
        if not consistent and (table, key) in self._before:
            written_at, before = self._before[table, key]
            if self.clock() - written_at < self.stale_seconds and self.lag():
                return before
        return self._items[table].get(key[0], {}).get(key[1])

    def _write(self, table: str, key: Key, new: Item | None) -> None:
        partition = self._items[table].setdefault(key[0], {})
        old = partition.get(key[1])
        self._before[table, key] = self.clock(), old
        if new is None:
            partition.pop(key[1], None)
        else:
            partition[key[1]] = new
        for listener in self.listeners:
            listener(table, old, new)

    def _updated(self, request: Request, old: Item | None) -> Item:
        start = dict(old) if old is not None else dict(request["Key"])
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        try:
            return updated(request["UpdateExpression"], start, names, values)
        except InvalidPath:
            raise failure(ClientError, "ValidationException") from None

    def _holds(self, request: Request, old: Item | None) -> bool:
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        return holds(request.get("ConditionExpression"), old, names, values)

    def _require(self, request: Request, old: Item | None) -> None:
        if not self._holds(request, old):
            more = {"Item": old} if old is not None else {}
            raise failure(ConditionalCheckFailed, "ConditionalCheckFailedException", **more)


def _in_range(key: str, values: Mapping[str, Any]) -> bool:
    if ":prefix" in values:
        return key.startswith(values[":prefix"]["S"])
    if ":low" in values:
        return bool(values[":low"]["S"] <= key <= values[":high"]["S"])
    return True


def _projected(item: Item, asked: Mapping[str, Any]) -> Item:
    """The attributes that a projection expression of plain names asks for."""
    if "ProjectionExpression" not in asked:
        return item
    placeholders = asked["ProjectionExpression"].split(", ")
    names = [asked["ExpressionAttributeNames"][each] for each in placeholders]
    return {name: item[name] for name in names if name in item}
