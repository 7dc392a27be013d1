"""The event stream: everybody who listens gets every event, and the past can be asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

from client.core.events import Event

Listener = asyncio.Queue[Event | None]  # None ends it


class Feed:
    """Keeps the newest `keep` events, so that waiting for one cannot miss it."""

    def __init__(self, keep: int = 10_000) -> None:
        self._past: deque[Event] = deque(maxlen=keep)
        self._listeners: set[Listener] = set()
        self._closed = False

    def publish(self, event: Event) -> None:
        self._past.append(event)
        for listener in self._listeners:
            listener.put_nowait(event)

    def close(self) -> None:
        """Ends every stream."""
        self._closed = True
        for listener in self._listeners:
            listener.put_nowait(None)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Events from now on."""
        listener: Listener = asyncio.Queue()
        self._listeners.add(listener)
        if self._closed:
            listener.put_nowait(None)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def stream(self) -> AsyncGenerator[Event, None]:
        """Events from the first `anext` on, until the client is closed."""
        with self.listen() as listener:
            while (event := await listener.get()) is not None:
                yield event

    async def wait_for(
        self,
        predicate: Callable[[Event], bool],
        timeout: float,  # noqa: ASYNC109 - its error says what happened instead
    ) -> Event:
        """The first event, past or to come, that fits. TimeoutError names the newest ones."""
        for past in self._past:
            if predicate(past):
                return past
        with self.listen() as listener:
            try:
                async with asyncio.timeout(timeout):
                    while (event := await listener.get()) is not None:
                        if predicate(event):
                            return event
            except TimeoutError:
                newest = "\n".join(f"  {one}" for one in list(self._past)[-10:])
                raise TimeoutError(
                    f"no such event within {timeout:g} s; the newest were:\n{newest or '  none'}"
                ) from None
        raise TimeoutError("the client was closed before there was such an event")
