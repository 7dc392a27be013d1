"""Resources that the emulator's providers create on an AWS server."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from emulator.addresses import Addresses
from emulator.providers import Created, Provider, Resource
from emulator.resources.clients import Clients


def clients_of(aws: str) -> Clients:
    """`aws` is the server's URL."""
    return Clients(Addresses("us-east-1", aws, "api", "ws://127.0.0.1:1", "http://127.0.0.1:2"))


def create(provider: Provider, kind: str, **properties: Any) -> Created:
    resource = Resource(f"s{uuid.uuid4().hex[:6]}", "Thing0A1B2C3D", kind)
    return asyncio.run(provider.create(resource, properties))
