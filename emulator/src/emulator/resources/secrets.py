"""Secrets Manager secrets: with the template's value, a generated one, or none."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from emulator.providers import Created, Resource
from emulator.resources.clients import Clients, accepted, physical_name


class SecretProvider:
    types = ("AWS::SecretsManager::Secret",)

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        return await asyncio.to_thread(self._create, resource, properties)

    async def fill(self, arn: str, value: str) -> None:
        """Give a secret that has no value this one."""
        await asyncio.to_thread(self._fill, arn, value)

    def _create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        client = self._clients("secretsmanager")
        name = properties.get("Name") or physical_name(resource)
        request = {"Name": name, "Description": properties.get("Description", "")}
        if "SecretString" in properties:
            request["SecretString"] = properties["SecretString"]
        elif "GenerateSecretString" in properties:
            request["SecretString"] = self._generated(properties["GenerateSecretString"])
        arn = client.create_secret(**request)["ARN"]
        return Created(arn, {"Id": arn})

    def _generated(self, wanted: dict[str, Any]) -> str:
        client = self._clients("secretsmanager")
        made = client.get_random_password(**accepted(client, "GetRandomPassword", wanted))
        password = str(made["RandomPassword"])
        if "GenerateStringKey" not in wanted:
            return password
        template = json.loads(wanted["SecretStringTemplate"])
        return json.dumps(template | {wanted["GenerateStringKey"]: password})

    def _fill(self, arn: str, value: str) -> None:
        client = self._clients("secretsmanager")
        try:
            client.get_secret_value(SecretId=arn)
        except client.exceptions.ResourceNotFoundException:  # it has no current version
            client.put_secret_value(SecretId=arn, SecretString=value)
