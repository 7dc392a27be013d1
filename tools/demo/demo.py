"""The demonstration as a whole: two phones, the ways of their messages, the invariants."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from emulator.providers import EmulatorError
from emulator.runtime.endpoints import Endpoints
from tools.demo.backend import Backend, LogTail
from tools.demo.forwarding import Window
from tools.demo.invariants import Lamp, in_order, once, secret
from tools.demo.journeys import Journeys
from tools.demo.phone import Frame, Person, Phone, Push, Reports

POLL = 0.1  # seconds between two checks
SCRIPT = Path(__file__).parent / "page" / "phone.js"
PUSHES = 20  # that the page gets
UNSEEN = Lamp(None, "no text was written yet")


class Demo:
    """`origin` is where the page is, `users` whose phones it shows: the first has an iPhone, the
    second an Android phone. `changed` is set whenever `state` is another."""

    def __init__(
        self, endpoints: Endpoints, http: aiohttp.ClientSession, origin: str, users: tuple[str, str]
    ) -> None:
        self.backend = Backend(endpoints, http)
        self.changed = asyncio.Event()
        self.chat: str | None = None
        self.trouble: str | None = None
        self._origin = origin
        self._run = secrets.token_hex(4)
        self._journeys = Journeys(users)
        self._shown: dict[str, dict[str, Any]] = {user: {} for user in users}
        self._ids: dict[str, list[str]] = {user: [] for user in users}
        self._words: set[str] = set()
        self._searched = (0, 0)
        self._pushes: dict[str, list[Mapping[str, Any]]] = {user: [] for user in users}
        self._records: dict[str, bytes] = {}  # what the emulator recorded, by message
        self._secret = UNSEEN
        self._tasks: set[asyncio.Task[None]] = set()
        reports = Reports(
            self._frame, self._connected, self._screen, self._registered, self.changed.set
        )
        kinds = (Push("apns", secrets.token_hex(32)), Push("fcm", f"demo-{secrets.token_hex(8)}"))
        self.phones = {
            user: Phone(
                Person(user, f"Demo-{secrets.token_hex(8)}", push),
                endpoints,
                origin,
                reports,
                self._script_of(user),
                http,
            )
            for user, push in zip(users, kinds, strict=True)
        }
        self.console = Window(endpoints.console, origin, http, "the console in the demonstration")

    async def start(self) -> None:
        """Raises EmulatorError where the system does not respond, or a name is taken."""
        await self.backend.open()
        for phone in self.phones.values():
            await self.backend.sign_up(phone.person)
            await phone.start()
        await self.console.listener.start()
        self._spawn(self._watch())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.console.listener.stop()
        for phone in self.phones.values():
            await phone.stop()

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        last = self._journeys.last
        return {
            "run": self._run,
            "chat": self.chat,
            "trouble": self.trouble,
            "console": self.console.url,
            "phones": {user: self._phone(phone) for user, phone in self.phones.items()},
            "journey": last.as_json() if last else None,
            "messages": len(self._journeys.all),
            "lamps": {name: lamp.as_json() for name, lamp in self.lamps().items()},
        }

    def _phone(self, phone: Phone) -> dict[str, Any]:
        user = phone.person.user
        return {
            "url": phone.url,
            "platform": phone.person.push.platform,
            "network": "silent" if phone.silent else phone.network,
            "connections": phone.connections,
            "clock": phone.clock,
            "device": phone.person.device,
            "shown": self._shown[user],
            "pushes": self._pushes[user][-PUSHES:],
        }

    def lamps(self) -> dict[str, Lamp]:
        seqs = {e.message_id: e.seq for e in self._journeys.all.values() if e.seq is not None}
        return {
            "once": once(self._ids, self._journeys.all),
            "order": in_order(self._ids, seqs),
            "secret": self._secret,
        }

    # -- what the page orders

    def order(self, user: str, body: Mapping[str, Any]) -> None:
        """Raises LookupError for an unknown phone, ValueError for an unknown order."""
        phone = self.phones[user]
        match tuple(body.items()):
            case (("network", "on"),):
                phone.find_network()
            case (("network", "lost"),):
                phone.lose_network()
            case (("network", "silent"),):
                phone.kill_silently()
            case (("clock", int(wrong)),):
                phone.clock = wrong
            case _:
                raise ValueError(f"there is no order {dict(body)}")
        self.changed.set()

    def log_lines(self, service: str, message_id: str) -> list[str]:
        """Those of a function's log that name the message."""
        if self.backend.logs is None:
            return []
        file = self.backend.logs / f"{service}.log"
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        return [line for line in text.splitlines() if message_id in line and '"_aws"' not in line]

    # -- what is reported

    def _frame(self, seen: Frame) -> None:
        stored = self._journeys.frame(seen)
        if stored is not None:
            self._spawn(self._look_up(stored.message_id))
        self.changed.set()

    async def _look_up(self, message_id: str) -> None:
        records = await self.backend.trace(message_id)
        self._records[message_id] = json.dumps(records).encode()
        self._journeys.traced(message_id, records)
        self.changed.set()

    def _connected(self, user: str, at: float) -> None:
        self._journeys.connected(user, at)
        self.changed.set()

    def _screen(self, user: str, shown: Mapping[str, Any]) -> None:
        now = time.time()
        rows = [(str(key).rpartition("/")[2], str(text)) for key, text in shown.get("rows", ())]
        for message_id, text in rows:
            self._words.add(text)
            self._journeys.decrypted(user, message_id, text, now)
        if rows:
            self._ids[user] = [message_id for message_id, _ in rows]
        for chat in shown.get("chats", ()):
            if chat.get("unread"):
                self._journeys.previewed(user, chat["text"], now)
        self._shown[user] = {name: shown.get(name) for name in ("link", "chats", "at")}
        self.changed.set()

    def _registered(self, user: str) -> None:
        if self.chat is None and all(phone.person.device for phone in self.phones.values()):
            self._spawn(self._introduce())
        self.changed.set()

    async def _introduce(self) -> None:
        one, other = (phone.person for phone in self.phones.values())
        self.chat = await self.backend.introduce(one, other)
        self.changed.set()

    # -- what is looked for

    async def _watch(self) -> None:
        logs = self.backend.logs
        tails = {name: LogTail(logs / f"{name}.log") for name in ("Send", "Push")} if logs else {}
        while True:
            for service, tail in tails.items():
                for at, line in tail.new():
                    self._journeys.logged(service, line, at)
                    if service == "Push" and "message_id" in line:
                        self._spawn(self._look_up(line["message_id"]))
                    self.changed.set()
            for user, phone in self.phones.items():
                pushes = await self.backend.pushes(phone.person.push.token)
                if len(pushes) != len(self._pushes[user]):
                    self._pushes[user] = pushes
                    for push in pushes:
                        self._journeys.pushed(user, push)
                    self.changed.set()
            await self._search()
            await asyncio.sleep(POLL)

    async def _search(self) -> None:
        """For every text that was written, in everything that the backend has or has got: again
        after each step of a message."""
        words = set(self._words)
        now = (len(words), sum(len(each.steps) for each in self._journeys.all.values()))
        if now == self._searched:
            return
        self._searched = now
        left = [each for phone in self.phones.values() for each in phone.left]
        pushes = [json.dumps(e).encode() for got in self._pushes.values() for e in got]
        places = {
            "stored items": await self.backend.items(),
            "log files": await self.backend.log_files(),
            "pushes": pushes,
            "traces": list(self._records.values()),
            "frames and requests": left,
        }
        self._secret = await asyncio.to_thread(secret, words, places)
        self.changed.set()

    # -- the phones' own script

    def _script_of(self, user: str) -> Callable[[], str]:
        def script() -> str:
            phone = self.phones[user]
            given = {
                "user": user,
                "peer": next(other for other in self.phones if other != user),
                "password": phone.person.password,
                "clock": phone.clock,
                "run": self._run,
                "demo": self._origin,
            }
            return f"const DEMO = {json.dumps(given)};\n{SCRIPT.read_text(encoding='utf-8')}"

        return script

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._reported(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reported(self, work: Coroutine[Any, Any, None]) -> None:
        """The page shows what went wrong."""
        try:
            await work
        except (EmulatorError, aiohttp.ClientError) as error:
            self.trouble = str(error)
            self.changed.set()


@contextlib.asynccontextmanager
async def opened(endpoints: Endpoints, origin: str, users: tuple[str, str]) -> AsyncIterator[Demo]:
    """A `Demo` that has started, until the block ends."""
    timeout = aiohttp.ClientTimeout(total=None, connect=10)
    async with aiohttp.ClientSession(
        timeout=timeout, trust_env=False, auto_decompress=True
    ) as http:
        demo = Demo(endpoints, http, origin, users)
        try:
            await demo.start()
            yield demo
        finally:
            await demo.stop()
