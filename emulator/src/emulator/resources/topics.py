"""SNS topics. Nobody subscribes locally; alarms do not ring here."""

from __future__ import annotations

import asyncio
from typing import Any

from emulator.providers import Created, Resource
from emulator.resources.clients import Clients, physical_name


class TopicProvider:
    types = ("AWS::SNS::Topic",)

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        name = properties.get("TopicName") or physical_name(resource)
        made = await asyncio.to_thread(lambda: self._clients("sns").create_topic(Name=name))
        return Created(made["TopicArn"], {"TopicArn": made["TopicArn"], "TopicName": name})
