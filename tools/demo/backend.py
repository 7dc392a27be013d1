"""The view of the running system: stored items, log lines, pushes. Only read, but for the
accounts of the two people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import boto3

from emulator.providers import EmulatorError
from emulator.runtime.endpoints import Endpoints
from tools.demo.phone import Person

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TIME = "%Y-%m-%d %H:%M:%S,%f%z"  # of Powertools
Item = dict[str, Any]


class Backend:
    """The system at `endpoints`."""

    def __init__(self, endpoints: Endpoints, http: aiohttp.ClientSession) -> None:
        self.endpoints = endpoints
        self._http = http
        self._db: DynamoDBClient = boto3.client(
            "dynamodb",
            endpoint_url=endpoints.aws,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - the emulator takes any
        )
        self._tables: list[str] = []
        self.logs: Path | None = None  # the folder; None where it is not known

    async def open(self) -> None:
        """Asks where tables and logs are. Raises EmulatorError where nothing responds."""
        state = await self.state()
        self._tables = [table["name"] for table in state["tables"]]
        tasks = [task for pool in state.get("pools", ()) for task in pool["tasks"]]
        self.logs = Path(tasks[0]["log"]).parent if tasks else None

    async def state(self) -> Mapping[str, Any]:
        return await self._console("state")

    async def pushes(self, token: str) -> list[Mapping[str, Any]]:
        """What a phone received, the oldest first."""
        response = await self._console(f"phones/{token}")
        pushes: list[Mapping[str, Any]] = response["pushes"]
        return pushes

    async def order(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The console's response to an order. Raises EmulatorError in its words."""
        url = f"{self.endpoints.console}/_local/{path}"
        async with self._http.post(url, json=body) as response:
            returned: Mapping[str, Any] = await response.json()
        if response.status != 200:
            raise EmulatorError(returned["error"]["message"])
        return returned

    async def _console(self, path: str) -> Mapping[str, Any]:
        try:
            async with self._http.get(f"{self.endpoints.console}/_local/{path}") as response:
                returned: Mapping[str, Any] = await response.json()
                return returned
        except aiohttp.ClientError as error:
            raise EmulatorError(f"the system no longer responds: {error}") from error

    # -- the two people

    async def sign_up(self, person: Person) -> None:
        """Raises EmulatorError where the name is taken."""
        body = {"username": person.user, "password": person.password}
        async with self._http.post(f"{self.endpoints.api}/api/sign-up", json=body) as response:
            if response.status >= 400:
                text = await response.text()
                raise EmulatorError(f"{person.user} could not be signed up: {text}")

    async def introduce(self, one: Person, other: Person) -> str:
        """Both have each other as contacts from now on. The id of their chat."""
        for person, peer in ((one, other), (other, one)):
            await self._call(person, "PUT", f"contacts/{peer.user}", {"state": "contact"})
        chat = await self._call(one, "POST", "chats", {"kind": "direct", "with": other.user})
        return str(chat["chat"])

    async def _call(self, by: Person, method: str, path: str, body: Item) -> Mapping[str, Any]:
        headers = {"Authorization": by.bearer or ""}
        url = f"{self.endpoints.api}/api/{path}"
        async with self._http.request(method, url, json=body, headers=headers) as response:
            returned: Mapping[str, Any] = await response.json()
            if response.status >= 400:
                raise EmulatorError(f"{method} {path}: {returned}")
            return returned

    # -- what is stored and logged

    async def trace(self, message_id: str) -> list[Mapping[str, Any]]:
        """What the emulator has recorded of a message, in the order of its times."""
        response = await self._console(f"trace?id={message_id}")
        steps: list[Mapping[str, Any]] = response["steps"]
        return steps

    async def items(self) -> list[bytes]:
        """Every item of every table, as JSON."""
        return await asyncio.to_thread(lambda: [json.dumps(e).encode() for e in self._all()])

    def _all(self) -> Iterator[Item]:
        for table in self._tables:
            for page in self._db.get_paginator("scan").paginate(TableName=table):
                for item in page["Items"]:
                    yield dict(item)

    async def log_files(self) -> list[bytes]:
        if self.logs is None:
            return []
        files = sorted(self.logs.glob("*.log"))
        return await asyncio.to_thread(lambda: [file.read_bytes() for file in files])


class LogTail:
    """The JSON lines that are new in a function's log."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = file.stat().st_size if file.exists() else 0

    def new(self) -> list[tuple[float, Item]]:
        """The new records, each with its time in epoch seconds."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as file:
            file.seek(self._read)
            lines = file.read().splitlines(keepends=True)
        found = []
        for line in lines:
            if not line.endswith(b"\n"):
                break  # the rest of it comes
            self._read += len(line)
            if (parsed := _parsed(line)) is not None:
                found.append(parsed)
        return found


def _parsed(line: bytes) -> tuple[float, Item] | None:
    try:
        document: Item = json.loads(line)
        return datetime.strptime(document["timestamp"], _TIME).timestamp(), document
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
