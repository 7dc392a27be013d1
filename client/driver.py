"""The driver of the engine: decide inside a transaction, commit, then send and publish."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from client.core import events
from client.core.cipher import Cipher, FetchResult, Request
from client.core.engine import Engine
from client.core.frames import ServerFrame, encode
from client.core.outputs import Drop, Fetch, Stop, Transmit
from client.core.parsing import FrameError, parse
from client.core.step import Step
from client.errors import ApiError, Closed, MessageTooLarge, StoreError, StoreUnavailable
from client.store import Store

P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger("client")

STORE_RETRY = 1.0  # seconds
FETCHES_AT_ONCE = 8  # a group's device lists are as many requests as it has members


class Driver:
    """Carries out what the engine decides; `publish` gets the events, `fetch` asks the backend.

    `clock` gives epoch seconds.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        cipher: Cipher,
        publish: Callable[[events.Event], None],
        fetch: Callable[[Request], Awaitable[FetchResult]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.engine, self._store, self._cipher = engine, store, cipher
        self._publish, self._fetch, self._clock = publish, fetch, clock
        self._fetching: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(FETCHES_AT_ONCE)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._outgoing: asyncio.Queue[str] | None = None
        self._leave: asyncio.Future[Drop | Stop] | None = None
        self._failure: StoreError | None = None
        self._stale = False  # the engine has gone ahead of the store, and a new one is needed
        self._unavailable = False  # the store, as was reported
        engine.restore(self._step())

    @property
    def online(self) -> bool:
        return self._outgoing is not None

    def step(
        self, act: Callable[Concatenate[Engine, Step, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Calls an input of the engine, as `step(Engine.mark_read, chat, seq)`.

        A step that fails is rolled back in the store. The engine can't be rolled back: a new one is
        restored before the next step, on a new connection. Raises StoreUnavailable if a later try
        may succeed; after any other failure each further call raises Closed.
        """
        if self._failure is not None:
            raise Closed(f"the client has stopped: {self._failure}")
        self._renew()
        written = self._store.db.total_changes
        try:
            with self._store.transaction():
                result = act(self.engine, self._step(), *args, **kwargs)
        except MessageTooLarge:
            raise  # found before anything was changed
        except StoreUnavailable as error:
            self._wait_for_store(error)
            raise
        except (StoreError, sqlite3.Error) as error:
            raise self._fail(f"the state could not be written: {error}") from error
        except Exception as error:
            logger.exception("a step has failed")
            raise self._fail(f"a step has failed and was taken back: {error!r}") from error
        if self._unavailable and self._store.db.total_changes > written:
            self._unavailable = False
            self._publish(events.StoreWorking())
        self._carry_out()
        return result

    def _step(self) -> Step:
        return Step(self._loop.time(), self._clock(), self._store, self._cipher)

    async def wait_for_store(self, error: StoreUnavailable) -> None:
        """Reports that the store can't be written, and waits until it can."""
        self._wait_for_store(error)
        await asyncio.sleep(STORE_RETRY)
        await self.writable()

    async def writable(self) -> None:
        """Returns once the store can be written."""
        while self._stale:
            try:
                self._renew()
            except StoreUnavailable:
                await asyncio.sleep(STORE_RETRY)

    def _renew(self) -> None:
        """Makes a new engine with the state of the store. Raises StoreUnavailable."""
        if self._stale:
            self._store.probe()
            engine = self.engine.anew()
            engine.restore(self._step())
            self.engine, self._stale = engine, False

    def _wait_for_store(self, error: StoreUnavailable) -> None:
        self.cancel()
        self._stale = True
        if not self._unavailable:
            self._unavailable = True
            self._publish(events.StoreFailing(str(error)))
        if self._leave is not None and not self._leave.done():
            self._leave.set_result(Drop(str(error)))

    def opened(self) -> tuple[asyncio.Queue[str], asyncio.Future[Drop | Stop]]:
        """The frames to send on the new connection, and the moment to leave it."""
        self._outgoing, self._leave = asyncio.Queue(), self._loop.create_future()
        opened = self._outgoing, self._leave
        self.step(Engine.opened)
        return opened

    def received(self, texts: list[str | bytes]) -> None:
        """Handles the frames that arrived together in one transaction."""
        frames: list[ServerFrame] = []
        for text in texts:
            try:
                frame = parse(text)
            except FrameError as error:
                logger.warning("frame ignored: %s", error)
            else:
                frames += [frame] if frame is not None else []

        def received(engine: Engine, step: Step) -> None:
            for frame in frames:
                engine.received(step, frame)

        self.step(received)

    def closed(self) -> None:
        self._outgoing = self._leave = None
        if self._failure is None and not self._stale:
            self.step(Engine.closed)

    def cancel(self) -> None:
        """Ends what is under way; nothing happens any more but by `step`."""
        for task in self._fetching:
            task.cancel()
        self._disarm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _carry_out(self) -> None:
        for output in self.engine.outputs():
            match output:
                case Transmit():
                    if self._outgoing is not None:
                        self._outgoing.put_nowait(encode(output.frame))
                case Fetch():
                    task = asyncio.create_task(self._carry_out_fetch(output.request))
                    self._fetching.add(task)
                    task.add_done_callback(self._fetching.discard)
                case Drop() | Stop():
                    if self._leave is not None and not self._leave.done():
                        self._leave.set_result(output)
                case _:
                    self._publish(output)
        self._arm()

    async def _carry_out_fetch(self, request: Request) -> None:
        try:
            async with self._at_once:
                result = await self._fetch(request)
        except Exception as error:  # a response of another shape is none either
            logger.info("not fetched: %r", error)
            wait = error.retry_after if isinstance(error, ApiError) else None
            self._quietly(Engine.fetch_failed, request, wait)
        else:
            self._quietly(Engine.fetch_succeeded, result)

    def _quietly(
        self, act: Callable[Concatenate[Engine, Step, P], object], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """A step that nobody waits for."""
        try:
            self.step(act, *args, **kwargs)
        except (StoreError, Closed) as error:
            logger.error("%s", error)  # noqa: TRY400 - `step` has stopped the client

    def _arm(self) -> None:
        self._disarm()
        due = self.engine.next_due()
        if due is not None:
            delay = max(0.0, due - self._loop.time())
            self._timer = self._loop.call_later(delay, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._leave is not None and self._leave.done():
            return  # the connection is being left; its end will re-arm
        self._quietly(Engine.due)

    def _fail(self, reason: str) -> StoreError:
        self._failure = StoreError(reason)
        self.cancel()
        if self._leave is not None and not self._leave.done():
            self._leave.set_result(Stop())
        self._publish(events.Disconnected(reason, None))
        return self._failure
