"""The data that survives a restart, taken out of and put back into moto's memory.

Items of tables, objects of buckets, users with their passwords, tokens and codes, push endpoints,
keys that sign;
messages in queues and records of streams that are not handled yet. What the template makes is not
in it: that is made anew at each start, and gets its data back by its name.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from moto.cognitoidp.models import CognitoIdpUser, UserStatus, cognitoidp_backends
from moto.core.base_backend import BackendDict
from moto.dynamodb.models import dynamodb_backends
from moto.sns.models import PlatformEndpoint, sns_backends

from emulator.aws import data_keys, data_objects, data_queues, data_streams
from emulator.aws.cognito_codes import CODES, Code

Json = dict[str, Any]
Report = Callable[[str], None]

_USER = ("id", "username", "password", "status", "enabled", "attributes")


class Part(NamedTuple):
    """`take` gives what is saved of one service, `put` gets it back and gives how many things that
    were; what it can't put back it reports in a sentence."""

    take: Callable[[], Json]
    put: Callable[[Json, Report], int]


def taken(positions: Mapping[str, int]) -> Json:
    """Everything as JSON; `positions` has, by table, up to where its stream's readers are."""
    parts = {name: part.take() for name, part in PARTS.items()}
    streams, objects = data_streams.taken(positions), data_objects.taken()
    return {**parts, "streams": streams, "objects": objects}


def restored(data: Mapping[str, Any], body: Callable[[str], bytes | None], report: Report) -> int:
    """Restores the data and returns how many things were put back into resources of the same names.
    `body` returns the body of an object by its digest."""
    objects = data_objects.restore(data.get("objects", {}), body, report)
    data_streams.restore(data.get("streams", {}), report)
    return objects + sum(part.put(data.get(name, {}), report) for name, part in PARTS.items())


def binary(value: object) -> str:
    """A binary value is base64 in JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be persisted")


def _items() -> Json:
    return {
        table.name: [item.to_json()["Attributes"] for item in table.all_items()]
        for backend in backends(dynamodb_backends)
        for table in backend.tables.values()
    }


def _put_items(saved: Json, report: Report) -> int:
    tables = {
        table.name: table
        for backend in backends(dynamodb_backends)
        for table in backend.tables.values()
    }
    count = 0
    for name, items in saved.items():
        if not items:
            continue
        table = tables.get(name)
        if table is None:
            report(f"the template has no table {name} any more: its {len(items)} items are left")
            continue
        fitting = [each for each in items if _has_keys(each, table)]
        if len(fitting) < len(items):
            lost = len(items) - len(fitting)
            report(f"the table {name} has other keys now: {lost} items do not fit and are left")
        # what was handled before must not be reported again
        shard, table.stream_shard = table.stream_shard, None
        for item in fitting:
            table.put_item(item)
        table.stream_shard = shard
        count += len(fitting)
    return count


def _has_keys(item: Json, table: Any) -> bool:
    types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    keys = [each["AttributeName"] for each in table.schema]
    return all(name in item and types[name] in item[name] for name in keys)


def _users() -> Json:
    return {
        pool.name: {
            "users": [
                {name: getattr(user, name) for name in _USER} for user in pool.users.values()
            ],
            "refresh_tokens": pool.refresh_tokens,
            "access_tokens": pool.access_tokens,
            "codes": [
                {"purpose": purpose, "user": user, **asdict(code)}
                for (purpose, of_pool, user), code in CODES.waiting.items()
                if of_pool == pool.id
            ],
        }
        for backend in backends(cognitoidp_backends)
        for pool in backend.user_pools.values()
    }


def _put_users(saved: Json, report: Report) -> int:
    pools = {
        pool.name: pool
        for backend in backends(cognitoidp_backends)
        for pool in backend.user_pools.values()
    }
    count = 0
    for name, found in saved.items():
        users = found["users"]
        if name in pools:
            _put_pool(pools[name], found)
            count += len(users)
        elif users:
            report(
                f"the template has no user pool {name} any more: its {len(users)} users are left"
            )
    return count


def _put_pool(pool: Any, saved: Json) -> None:
    for each in saved["users"]:
        pool.users[each["username"]] = _user(pool.id, each)
    for tokens in ("refresh_tokens", "access_tokens"):
        getattr(pool, tokens).update(
            {token: tuple(value) if value else None for token, value in saved[tokens].items()}
        )
    for code in saved["codes"]:
        key = (code.pop("purpose"), pool.id, code.pop("user"))
        CODES.waiting[key] = Code(**code)


def _user(pool_id: str, saved: Json) -> CognitoIdpUser:
    status = UserStatus(saved["status"])
    user = CognitoIdpUser(pool_id, saved["username"], saved["password"], status, [])
    user.id, user.enabled = saved["id"], saved["enabled"]
    user.update_attributes(saved["attributes"])
    return user


def _endpoints() -> Json:
    return {
        endpoint.arn: {
            "application": endpoint.application.arn,
            "attributes": endpoint.attributes,
        }
        for backend in backends(sns_backends)
        for endpoint in backend.platform_endpoints.values()
    }


def _put_endpoints(saved: Json, report: Report) -> int:
    places = {
        application: backend
        for backend in backends(sns_backends)
        for application in backend.applications
    }
    left: Counter[str] = Counter()
    for arn, each in saved.items():
        application = each["application"]
        if application in places:
            _put_endpoint(places[application], application, arn, each["attributes"])
        else:
            left[application] += 1
    for application, count in left.items():
        report(
            f"the template has no platform application {application} any more: "
            f"its {count} push endpoints are left"
        )
    return len(saved) - left.total()


def _put_endpoint(backend: Any, application: str, arn: str, attributes: Json) -> None:
    endpoint = PlatformEndpoint(
        backend.account_id,
        backend.region_name,
        backend.applications[application],
        attributes.get("CustomUserData", ""),
        attributes["Token"],
        attributes,
    )
    endpoint.arn = arn
    backend.platform_endpoints[arn] = endpoint


def backends(services: BackendDict[Any]) -> Iterator[Any]:
    """The backend of each account and region that is in use."""
    for regions in services.values():
        yield from regions.values()


PARTS: Mapping[str, Part] = {
    "tables": Part(_items, _put_items),
    "users": Part(_users, _put_users),
    "endpoints": Part(_endpoints, _put_endpoints),
    "keys": Part(data_keys.taken, data_keys.restore),
    "queues": Part(data_queues.taken, data_queues.restore),
}
