"""The data that `--data` persists, taken out of and put back into moto's memory.

Persisted: items of tables, users with their passwords and refresh tokens, push endpoints. Not
persisted: messages in queues and records in streams, which were about to be handled by what has
ended.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from moto.cognitoidp.models import CognitoIdpUser, UserStatus, cognitoidp_backends
from moto.core.base_backend import BackendDict
from moto.dynamodb.models import dynamodb_backends
from moto.sns.models import PlatformEndpoint, sns_backends

PATH = "/_local/data"

_USER = ("id", "username", "password", "status", "enabled", "attributes")


def add_routes(app: web.Application) -> None:
    """GET gives everything that is persisted as JSON, PUT puts it back into the tables, pools and
    platform applications that exist under the same names."""

    async def take(request: web.Request) -> web.Response:
        return web.json_response(text=json.dumps(taken(), default=_binary))

    async def put_back(request: web.Request) -> web.Response:
        return web.json_response({"put_back": restored(await request.json())})

    app.router.add_get(PATH, take)
    app.router.add_put(PATH, put_back)


def taken() -> dict[str, Any]:
    return {
        "tables": {
            table.name: [item.to_json()["Attributes"] for item in table.all_items()]
            for backend in _backends(dynamodb_backends)
            for table in backend.tables.values()
        },
        "users": {
            pool.name: [
                {name: getattr(user, name) for name in _USER} for user in pool.users.values()
            ]
            for backend in _backends(cognitoidp_backends)
            for pool in backend.user_pools.values()
        },
        "refresh_tokens": {
            pool.name: pool.refresh_tokens
            for backend in _backends(cognitoidp_backends)
            for pool in backend.user_pools.values()
        },
        "endpoints": [
            {
                "arn": endpoint.arn,
                "application": endpoint.application.arn,
                "attributes": endpoint.attributes,
            }
            for backend in _backends(sns_backends)
            for endpoint in backend.platform_endpoints.values()
        ],
    }


def restored(data: dict[str, Any]) -> int:
    """How many items, users and endpoints were put back."""
    count = 0
    for backend in _backends(dynamodb_backends):
        for table in backend.tables.values():
            # What was handled before must not be reported again.
            shard, table.stream_shard = table.stream_shard, None
            for item in data["tables"].get(table.name, []):
                table.put_item(item)
                count += 1
            table.stream_shard = shard
    for backend in _backends(cognitoidp_backends):
        for pool in backend.user_pools.values():
            for saved in data["users"].get(pool.name, []):
                pool.users[saved["username"]] = _user(pool.id, saved)
                count += 1
            tokens = data["refresh_tokens"].get(pool.name, {})
            pool.refresh_tokens.update(
                {token: tuple(value) if value else None for token, value in tokens.items()}
            )
    for backend in _backends(sns_backends):
        count += _put_endpoints(backend, data["endpoints"])
    return count


def _user(pool_id: str, saved: dict[str, Any]) -> CognitoIdpUser:
    status = UserStatus(saved["status"])
    user = CognitoIdpUser(pool_id, saved["username"], saved["password"], status, [])
    user.id, user.enabled = saved["id"], saved["enabled"]
    user.update_attributes(saved["attributes"])
    return user


def _put_endpoints(backend: Any, saved: list[dict[str, Any]]) -> int:
    count = 0
    for each in saved:
        application = backend.applications.get(each["application"])
        if application is None:
            continue
        attributes = each["attributes"]
        endpoint = PlatformEndpoint(
            backend.account_id,
            backend.region_name,
            application,
            attributes.get("CustomUserData", ""),
            attributes["Token"],
            attributes,
        )
        endpoint.arn = each["arn"]
        backend.platform_endpoints[endpoint.arn] = endpoint
        count += 1
    return count


def _backends(services: BackendDict[Any]) -> Iterator[Any]:
    for regions in services.values():
        yield from regions.values()


def _binary(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be persisted")
