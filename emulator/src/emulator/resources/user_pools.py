"""Cognito user pools and their clients."""

from __future__ import annotations

import asyncio
from typing import Any

from emulator.providers import Created, Resource
from emulator.resources.clients import Clients, accepted, physical_name
from emulator.template.place import url_suffix_of


class UserPoolProvider:
    types = ("AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient")

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        make = self._pool if resource.type == "AWS::Cognito::UserPool" else self._client
        return await asyncio.to_thread(make, resource, properties)

    def _pool(self, resource: Resource, properties: dict[str, Any]) -> Created:
        client = self._clients("cognito-idp")
        name = properties.get("UserPoolName") or physical_name(resource)
        request = accepted(client, "CreateUserPool", properties) | {"PoolName": name}
        made = client.create_user_pool(**request)["UserPool"]
        region = made["Id"].split("_")[0]
        provider = f"cognito-idp.{region}.{url_suffix_of(region)}/{made['Id']}"
        return Created(
            made["Id"],
            {
                "Arn": made["Arn"],
                "ProviderName": provider,
                "ProviderURL": f"https://{provider}",
                "UserPoolId": made["Id"],
            },
        )

    def _client(self, resource: Resource, properties: dict[str, Any]) -> Created:
        client = self._clients("cognito-idp")
        name = properties.get("ClientName") or physical_name(resource)
        request = accepted(client, "CreateUserPoolClient", properties) | {"ClientName": name}
        made = client.create_user_pool_client(**request)["UserPoolClient"]
        return Created(
            made["ClientId"],
            {
                "ClientId": made["ClientId"],
                "ClientSecret": made.get("ClientSecret", ""),
                "Name": name,
            },
        )
