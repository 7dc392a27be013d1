"""Secrets Manager secrets, with the template's value, a generated one, or none; and KMS keys."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from emulator.providers import Created, EmulatorError, Resource
from emulator.resource import attributes_of
from emulator.resources.clients import AddPolicy, Clients, accepted, physical_name

_GIVEN = {"Description", "KmsKeyId", "SecretString", "Tags"}
_SYMMETRIC = "SYMMETRIC_DEFAULT"


class SecretProvider:
    types = ("AWS::SecretsManager::Secret",)

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        return await asyncio.to_thread(self._create, resource, properties)

    async def fill(self, arn: str, value: str) -> None:
        """Give a secret that has no value this one."""
        await asyncio.to_thread(self._fill, arn, value)

    async def value(self, name: str) -> str:
        """The value of the secret with this name or ARN."""
        client = self._clients("secretsmanager")
        found = await asyncio.to_thread(client.get_secret_value, SecretId=name)
        return str(found["SecretString"])

    def _create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        client = self._clients("secretsmanager")
        name = properties.get("Name") or physical_name(resource)
        given = {"Name": name} | {key: properties[key] for key in _GIVEN & properties.keys()}
        if "SecretString" not in given and "GenerateSecretString" in properties:
            given["SecretString"] = self._generated(properties["GenerateSecretString"])
        arn = client.create_secret(**accepted(client, "CreateSecret", given))["ARN"]
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


class KeyProvider:
    """KMS keys and their aliases. Nothing local is encrypted with them; those for it do sign.
    `add_policy` is given the policies of keys."""

    types = ("AWS::KMS::Key", "AWS::KMS::Alias")

    def __init__(
        self,
        clients: Clients,
        add_policy: AddPolicy = lambda *_: None,
    ) -> None:
        self._clients = clients
        self._add_policy = add_policy

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        if resource.type == "AWS::KMS::Alias":
            return await asyncio.to_thread(self._alias, properties)
        created = await asyncio.to_thread(self._key, str(resource), properties)
        if "KeyPolicy" in properties:
            self._add_policy(str(resource), created.attributes["Arn"], properties["KeyPolicy"])
        return created

    def _key(self, where: str, properties: dict[str, Any]) -> Created:
        rotates = properties.get("EnableKeyRotation") in (True, "true")
        # EnableKeyRotation, API reference
        if rotates and properties.get("KeySpec", _SYMMETRIC) != _SYMMETRIC:
            raise EmulatorError(f"{where}: EnableKeyRotation is for KeySpec {_SYMMETRIC} alone")
        tags = [
            {"TagKey": name, "TagValue": value}
            for name, value in attributes_of(properties, "Tags").items()
        ]
        client, names = self._clients("kms"), ("Description", "KeySpec", "KeyUsage")
        given = {name: properties[name] for name in names if name in properties}
        made = client.create_key(Tags=tags, **accepted(client, "CreateKey", given))
        key = made["KeyMetadata"]
        if rotates:
            client.enable_key_rotation(KeyId=key["KeyId"])
        if properties.get("Enabled", True) in (False, "false"):
            client.disable_key(KeyId=key["KeyId"])
        return Created(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})

    def _alias(self, properties: dict[str, Any]) -> Created:
        name = properties["AliasName"]
        self._clients("kms").create_alias(
            AliasName=name, TargetKeyId=properties["TargetKeyId"].rpartition("/")[2]
        )
        return Created(name)
