"""KMS keys and their aliases. Nothing local is encrypted with them; they can be looked at."""

from __future__ import annotations

import asyncio
from typing import Any

from emulator.providers import Created, Resource
from emulator.resources.clients import Clients


class KeyProvider:
    types = ("AWS::KMS::Key", "AWS::KMS::Alias")

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        make = self._key if resource.type == "AWS::KMS::Key" else self._alias
        return await asyncio.to_thread(make, properties)

    def _key(self, properties: dict[str, Any]) -> Created:
        made = self._clients("kms").create_key(Description=properties.get("Description", ""))
        key = made["KeyMetadata"]
        return Created(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})

    def _alias(self, properties: dict[str, Any]) -> Created:
        name = properties["AliasName"]
        self._clients("kms").create_alias(
            AliasName=name, TargetKeyId=properties["TargetKeyId"].rpartition("/")[2]
        )
        return Created(name)
