"""A run of the load test: pairs of users, each text at its time, received by the other one."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from itertools import cycle

from websockets.exceptions import WebSocketException

from bench.raw_client import RawClient, Rejected, connected, register
from client.errors import Unreachable
from tools.load_test.steps import Text, due_times

PAYLOAD = "x" * 600  # as long as a line of text is, encrypted
RECEIPTS_SECONDS = 0.2  # what the protocol asks for in a direct chat
SETTLE_SECONDS = 20.0  # after the last text, for what is under way
TRIES = 5  # to make two accounts
Pair = tuple[RawClient, RawClient, str]


async def run(
    api: str,
    rates: Sequence[float],
    seconds: float,
    pairs: int,
    progress: Callable[[float, list[Text]], object],
) -> list[Text]:
    """Each text of the run; `progress` gets the second and all texts so far, once a second."""
    async with AsyncExitStack() as stack:
        ready = [await _pair(stack, api, number) for number in range(pairs)]
        for sender, _, chat in ready:  # every function involved has its processes
            await sender.send(chat, PAYLOAD)
        return await _sent(ready, rates, seconds, progress)


async def _pair(stack: AsyncExitStack, api: str, number: int) -> Pair:
    for tries_left in reversed(range(TRIES)):
        try:
            accounts, chat = await register(api, [f"load{number}a", f"load{number}b"])
            break
        except Unreachable:  # a system that has just started is slow
            if not tries_left:
                raise
    sender = await stack.enter_async_context(connected(api, accounts[0]))
    receiver = await stack.enter_async_context(
        connected(api, accounts[1], receipts=RECEIPTS_SECONDS)
    )
    return sender, receiver, chat


async def _sent(
    pairs: Sequence[Pair],
    rates: Sequence[float],
    seconds: float,
    progress: Callable[[float, list[Text]], object],
) -> list[Text]:
    texts: dict[str, Text] = {}
    began = time.perf_counter()

    def received(frame: dict[str, str]) -> None:
        text = texts.get(frame["message_id"])
        if text is not None and text.received is None:
            text.received = time.perf_counter() - began

    for _, receiver, _ in pairs:
        receiver.on_message = received
    under_way: set[asyncio.Task[None]] = set()
    shown = 0
    for (sender, _, chat), due in zip(cycle(pairs), due_times(rates, seconds), strict=False):
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        if (now := time.perf_counter() - began) >= shown + 1:
            shown = int(now)
            progress(now, list(texts.values()))
        name = str(uuid.uuid4())
        texts[name] = Text(due)
        task = asyncio.create_task(_one(sender, chat, name, texts[name], began))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await _settled(pairs, under_way)
    return list(texts.values())


async def _one(sender: RawClient, chat: str, name: str, text: Text, began: float) -> None:
    try:
        text.accepted = await sender.send(chat, PAYLOAD, name) - began
    except (Rejected, TimeoutError, WebSocketException):
        return  # its sender does not take it for accepted: not lost


async def _settled(pairs: Sequence[Pair], under_way: set[asyncio.Task[None]]) -> None:
    """What is under way has time to end; then each receiver asks once for what it lacks.

    One whose connection has closed does not: what it has not received counts as lost.
    """
    if under_way:
        await asyncio.wait(under_way, timeout=SETTLE_SECONDS)
    for task in tuple(under_way):
        task.cancel()
    for _, receiver, chat in pairs:
        with contextlib.suppress(TimeoutError, WebSocketException):
            while (await receiver.sync(chat)).get("more"):
                pass
