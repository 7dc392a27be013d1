"""DynamoDB as the stores use it: plain Python values in and out, conditions as exceptions, no Scan.

Keys of the three tables (sort key `item`):

    Chats    chat    head | member#<user> | message#<seq, 12 digits>
    Users    user    devices | device#<device> | otk#<device>#<order> | fallback#<device>
                     onetime#<key> | chat#<chat> | direct#<peer>
                     watcher#<1: a contact, 2: not>#<user>/<device> | rings#<chat>
                     contact#<peer> | settings | invite#!<chat> | invite#<chat>
                     named#<chat> | left#<chat> | founded#<request id> | limit#<name>
             link#<code>  link
    Tickets  ticket
"""

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from lambdas.attribute_values import from_wire, to_wire
from lambdas.throttling import TooBusy, was_throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
Key = dict[str, str]

HEAD = "head"
DEVICES = "devices"
ACCOUNT = "account"
BATCH_GET_LIMIT = 100  # keys in one BatchGetItem (DynamoDB quota)
BATCH_WRITE_LIMIT = 25  # requests in one BatchWriteItem (DynamoDB quota)
TRANSACTION_LIMIT = 100  # actions in one TransactWriteItems (DynamoDB quota)


def chat_key(chat: str, item: str) -> Key:
    return {"chat": chat, "item": item}


def user_key(user: str, item: str) -> Key:
    return {"user": user, "item": item}


def message_item(seq: int) -> str:
    """Twelve digits, so that the order of keys is the order of seqs."""
    return f"message#{seq:012d}"


def seq_of(item: Item) -> int:
    """The position of a message item."""
    return int(item["item"].removeprefix("message#"))


def member_item(user: str) -> str:
    return f"member#{user}"


class ConditionFailed(Exception):
    """The condition of a write failed; `item` is the existing item, if there is one."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


class TransactionCancelled(Exception):
    """A transaction was cancelled; `reasons` has a code for each action, or "None".

    `items` has the existing item for each action whose condition failed, else None.
    """

    def __init__(self, reasons: Sequence[str], items: Sequence[Item | None] = ()) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons
        self.items = items


class Page(NamedTuple):
    items: list[Item]
    next: Key | None  # where the next page starts; None at the end


class Table:
    """One table. Numbers come back as int; sets as set; binary is not used."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        response = self._client.get_item(
            TableName=self.name, Key=to_wire(key), ConsistentRead=consistent
        )
        return from_wire(response["Item"]) if "Item" in response else None

    def put(self, item: Item, condition: str | None = None, **values: Any) -> None:
        """Raises ConditionFailed."""
        request: dict[str, Any] = {"TableName": self.name, "Item": to_wire(item)}
        self._conditional(self._client.put_item, request, condition, values)

    def update(
        self,
        key: Key,
        expression: str,
        condition: str | None = None,
        *,
        names: Mapping[str, str] | None = None,
        returns: str = "ALL_NEW",
        **values: Any,
    ) -> Item:
        """The item before or after the update, by `returns`. `values` fill `:name`.

        Raises ConditionFailed.
        """
        request = {
            "TableName": self.name,
            "Key": to_wire(key),
            "UpdateExpression": expression,
            "ReturnValues": returns,
        }
        if names:
            request["ExpressionAttributeNames"] = dict(names)
        response = self._conditional(self._client.update_item, request, condition, values)
        return from_wire(response.get("Attributes", {}))

    def delete(self, key: Key, condition: str | None = None, **values: Any) -> Item | None:
        """Returns the deleted item. Raises ConditionFailed."""
        request = {"TableName": self.name, "Key": to_wire(key), "ReturnValues": "ALL_OLD"}
        response = self._conditional(self._client.delete_item, request, condition, values)
        return from_wire(response["Attributes"]) if response.get("Attributes") else None

    def _conditional(
        self, call: Any, request: dict[str, Any], condition: str | None, values: dict[str, Any]
    ) -> Any:
        if values:
            request["ExpressionAttributeValues"] = to_wire(
                {f":{name}": value for name, value in values.items()}
            )
        if condition:
            request["ConditionExpression"] = condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        for pause in pauses():
            try:
                return call(**request)
            except self._client.exceptions.ConditionalCheckFailedException as failure:
                old: Any = failure.response.get("Item")
                raise ConditionFailed(from_wire(old) if old else None) from None
            except self._client.exceptions.TransactionConflictException:
                pause()  # another transaction is writing the item
        return None

    def query(
        self,
        partition: Key,
        *,
        prefix: str | None = None,
        between: tuple[str, str] | None = None,
        limit: int | None = None,
        start: Key | None = None,
        consistent: bool = False,
    ) -> Page:
        """One page of a partition (`{"chat": ...}`), by sort-key prefix or inclusive range."""
        ((attribute, value),) = partition.items()
        names = {"#p": attribute, "#s": "item"}
        expression, values = "#p = :p", {":p": value}
        if prefix is not None:
            expression += " AND begins_with(#s, :prefix)"
            values[":prefix"] = prefix
        elif between is not None:
            expression += " AND #s BETWEEN :low AND :high"
            values |= {":low": between[0], ":high": between[1]}
        else:
            del names["#s"]
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": expression,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_wire(values),
            "ConsistentRead": consistent,
        }
        if limit is not None:
            request["Limit"] = limit
        if start is not None:
            request["ExclusiveStartKey"] = to_wire(start)
        response = self._client.query(**request)
        last = response.get("LastEvaluatedKey")
        return Page(
            [from_wire(item) for item in response["Items"]], from_wire(last) if last else None
        )

    def query_all(self, partition: Key, **options: Any) -> Iterator[Item]:
        page = self.query(partition, **options)
        yield from page.items
        while page.next:
            page = self.query(partition, **{**options, "start": page.next})
            yield from page.items

    def batch_get(
        self, keys: Iterable[Key], *, consistent: bool = False, only: Sequence[str] = ()
    ) -> list[Item]:
        """The items that exist, in no order; unprocessed keys are requested again.

        `only`: names of the attributes to return, of all if it is empty. What a read costs depends
        on the whole item in either case.
        """
        found: list[Item] = []
        options: dict[str, Any] = {"ConsistentRead": consistent}
        if only:
            names = {f"#{number}": name for number, name in enumerate(only)}
            options["ProjectionExpression"] = ", ".join(names)
            options["ExpressionAttributeNames"] = names
        for chunk in chunks(keys, BATCH_GET_LIMIT):
            request: Any = {self.name: {"Keys": [to_wire(key) for key in chunk], **options}}
            for pause in pauses():
                response = self._client.batch_get_item(RequestItems=request)
                found += [from_wire(item) for item in response["Responses"].get(self.name, [])]
                request = response.get("UnprocessedKeys")
                if not request:
                    break
                pause()
        return found

    def batch_write(self, *, puts: Iterable[Item] = (), deletes: Iterable[Key] = ()) -> None:
        requests: list[Any] = [{"PutRequest": {"Item": to_wire(item)}} for item in puts]
        requests += [{"DeleteRequest": {"Key": to_wire(key)}} for key in deletes]
        for chunk in chunks(requests, BATCH_WRITE_LIMIT):
            left: Any = {self.name: chunk}
            for pause in pauses():
                left = self._client.batch_write_item(RequestItems=left).get("UnprocessedItems")
                if not left:
                    break
                pause()

    def put_action(self, item: Item, condition: str | None = None, **values: Any) -> dict[str, Any]:
        """A Put for `transact`."""
        return {"Put": self._action({"Item": to_wire(item)}, condition, values)}

    def update_action(
        self,
        key: Key,
        expression: str,
        condition: str | None = None,
        *,
        names: Mapping[str, str] | None = None,
        **values: Any,
    ) -> dict[str, Any]:
        """An Update for `transact`."""
        body: dict[str, Any] = {"Key": to_wire(key), "UpdateExpression": expression}
        if names:
            body["ExpressionAttributeNames"] = dict(names)
        return {"Update": self._action(body, condition, values)}

    def delete_action(
        self, key: Key, condition: str | None = None, **values: Any
    ) -> dict[str, Any]:
        """A Delete for `transact`."""
        return {"Delete": self._action({"Key": to_wire(key)}, condition, values)}

    def check_action(self, key: Key, condition: str, **values: Any) -> dict[str, Any]:
        """A ConditionCheck for `transact`."""
        return {"ConditionCheck": self._action({"Key": to_wire(key)}, condition, values)}

    def _action(
        self, body: dict[str, Any], condition: str | None, values: dict[str, Any]
    ) -> dict[str, Any]:
        body["TableName"] = self.name
        if condition:
            body["ConditionExpression"] = condition
            body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if values:
            body["ExpressionAttributeValues"] = to_wire(
                {f":{name}": value for name, value in values.items()}
            )
        return body


def transact(table: Table, actions: Sequence[dict[str, Any]]) -> None:
    """All of `actions` (any tables' *_action, at most 100) or none.

    Raises TransactionCancelled, and TooBusy if that was for the number of requests.
    """
    client = table._client
    try:
        client.transact_write_items(TransactItems=actions)  # type: ignore[arg-type]
    except client.exceptions.TransactionCanceledException as cancelled:
        reasons = cancelled.response.get("CancellationReasons", [])
        codes = [reason.get("Code", "None") for reason in reasons]
        if was_throttled(codes):
            raise TooBusy("DynamoDB was too busy for a transaction") from None
        found: list[Any] = [reason.get("Item") for reason in reasons]
        raise TransactionCancelled(
            codes, [from_wire(item) if item else None for item in found]
        ) from None


def chunks(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def pauses() -> Iterator[Any]:
    """Full-jitter pauses of up to 50, 100, 200, 400 ms, then TooBusy."""
    for attempt in range(5):
        yield lambda n=attempt: time.sleep(random.uniform(0, 0.05 * 2**n))  # noqa: S311 - no secret
    raise TooBusy("DynamoDB was too busy for a request, five times")
