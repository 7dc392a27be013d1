"""Two implementations of docs/encryption.md, vodozemac and libolm, through the running system."""

import asyncio
import base64
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

import client.driver
from client import ChatClient, FileDescription, MessageReceived, State
from tests.support.typescript_client import Browser
from tests.system.both_clients import Make, Name, Open, Story, node, run_story, runner
from tests.system.telling import ANY, reached, received, texts

pytestmark = pytest.mark.xdist_group("story")
__all__ = ["node", "run_story", "runner"]  # fixtures
ROOT = Path(__file__).parents[2]


def test_any_text_is_read_on_the_other_side_and_ticks_come_back(
    device: Make, name: Name, run_story: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        async with device(name("raju")) as python, browser(name("ravi")) as web:
            chat = await web.do("direct", python.user)
            for text in ANY:
                sent = await web.send(chat, text)
                seen = await python.wait_for(received(text))
                assert isinstance(seen, MessageReceived)
                await web.event("state", messageId=sent, state=State.DELIVERED.value)
                python.messages.mark_read(chat, seen.seq)
                await web.event("state", messageId=sent, state=State.READ.value)
                back = await python.send(chat, f"{text}!")
                await web.do("markRead", chat, (await web.received(f"{text}!"))["seq"])
                await python.wait_for(reached(back, State.READ))

    run_story(story)


def test_a_picture_is_uploaded_and_opened_on_the_other_side_and_back(
    device: Make, name: Name, run_story: Callable[[Story], None]
) -> None:
    picture = (ROOT / "docs" / "console.png").read_bytes()

    async def story(browser: Open) -> None:
        async with device(name("raju")) as python, browser(name("ravi")) as web:
            chat = await web.do("direct", python.user)
            await python.messages.send_file(chat, picture, FileDescription(name="console.png"))
            await web.event("message", kind="file")
            (message,) = await web.do("history", chat)
            file = message["content"]["file"]
            assert (file["kind"], file["name"], file["size"]) == (
                "picture",
                "console.png",
                len(picture),
            )
            text = await web.do("fetchFile", chat, file)
            assert base64.b64decode(f"{text}==") == picture
            back = {"name": "again.png", "caption": "and back"}
            await web.do("sendFile", chat, base64.b64encode(picture).decode(), back)
            await python.wait_for(received("and back"))
            content = python.messages.history(chat)[-1].content
            assert content is not None and content.file is not None
            assert content.file.name == "again.png"
            assert await python.messages.fetch_file(chat, content.file) == picture

    run_story(story)


@pytest.mark.deep
def test_both_write_first_at_the_same_time(
    device: Make, name: Name, run_story: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        async with device(name("raju")) as python, browser(name("ravi")) as web:
            chat = await web.do("direct", python.user)
            assert await python.chats.direct(web.user) == chat
            await asyncio.gather(python.send(chat, "from python"), web.send(chat, "from the web"))
            await asyncio.gather(
                python.wait_for(received("from the web")), web.received("from python")
            )
            for n in range(3):
                await python.send(chat, f"python {n}")
                await web.received(f"python {n}")
                await web.send(chat, f"web {n}")
                await python.wait_for(received(f"web {n}"))

    run_story(story)


@pytest.mark.deep
def test_frames_that_overtake_each_other_and_lost_connections_lose_nothing(
    device: Make, name: Name, run_story: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffle_arrivals(monkeypatch)

    async def story(browser: Open) -> None:
        async with (
            device(name("raju")) as python,
            browser(name("ravi")) as web,
            shuffled_arrivals(web),
        ):
            chat = await web.do("direct", python.user)
            group = await python.chats.group([web.user])
            written = []
            for n in range(40):
                here = chat if n % 3 else group
                written += [
                    (here, await python.send(here, f"python {n}"), f"python {n}"),
                    (here, await web.send(here, f"web {n}"), f"web {n}"),
                ]
                if n == 15:
                    python.cut()
                if n == 25:
                    await web.do("cut")
            for _, _, text in written:
                if text.startswith("web"):
                    await python.wait_for(received(text))
                else:
                    await web.received(text)
            await python.sync()
            await web.do("sync")
            for here in (chat, group):
                assert texts(python, here) == await web.texts(here)
                assert sorted(filter(None, texts(python, here))) == sorted(
                    text for there, _, text in written if there == here
                )

    run_story(story)


@contextlib.asynccontextmanager
async def shuffled_arrivals(web: Browser) -> AsyncIterator[None]:
    """In the Node process, whose other devices come later."""
    await web.do("shuffleArrivals", 80)
    try:
        yield
    finally:
        await web.do("shuffleArrivals", 0)


def shuffle_arrivals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages come to the Python client up to 80 ms late and overtake each other.

    Nothing else overtakes them: what a `synced` says of them would not be true.
    """
    take = client.driver.Driver.received
    late: dict[str | bytes, asyncio.TimerHandle] = {}

    def arrive(self: client.driver.Driver, frame: str | bytes) -> None:
        late.pop(frame).cancel()
        if self.online:
            take(self, [frame])

    def received(self: client.driver.Driver, frames: list[str | bytes]) -> None:
        for frame in frames:
            if '"type":"message"' in str(frame):
                delay = random.uniform(0, 0.08)
                late[frame] = asyncio.get_running_loop().call_later(delay, arrive, self, frame)
                continue
            for before in list(late):
                arrive(self, before)
            take(self, [frame])

    monkeypatch.setattr(client.driver.Driver, "received", received)


@pytest.mark.deep
def test_conversations_go_on_after_restarts_of_either_side(
    device: Make, name: Name, run_story: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        async with browser(name("ravi")) as web:
            python = device(name("raju"))
            await python.__aenter__()
            chat = await web.do("direct", python.user)
            group = await python.chats.group([web.user])
            for here in (chat, group):
                await python.send(here, f"python 1 {here}")
                await web.received(f"python 1 {here}")
                await web.send(here, f"web 1 {here}")
                await python.wait_for(received(f"web 1 {here}"))
            await web.crash_and_return()
            for here in (chat, group):
                await python.send(here, f"python 2 {here}")
                await web.received(f"python 2 {here}")
            await python.abort()
            for here in (chat, group):
                await web.send(here, f"web 2 {here}")
            async with device(name("raju")) as python:
                for here in (chat, group):
                    await python.wait_for(received(f"web 2 {here}"))
                    await python.send(here, f"python 3 {here}")
                    await web.received(f"python 3 {here}")
                await web.do("abort")
                for here in (chat, group):
                    await python.send(here, f"python 4 {here}")
                await web.__aenter__()
                for here in (chat, group):
                    await web.received(f"python 4 {here}")
                    expected = [f"python {n} {here}" for n in (1, 2, 3, 4)]
                    found = await web.texts(here)
                    assert [one for one in found if one and one.startswith("python")] == expected
                    assert found == texts(python, here)

    run_story(story)


@pytest.mark.deep
def test_a_group_of_both_kinds_with_several_devices_reads_everybody(
    device: Make, name: Name, run_story: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        ravi, raju, meena = name("ravi"), name("raju"), name("meena")
        async with (
            device(ravi) as ravi_phone,
            browser(ravi) as ravi_web,
            browser(raju) as raju_web,
            device(meena) as meena_phone,
        ):
            group = await ravi_phone.chats.group([raju, meena])
            pythons, webs = (ravi_phone, meena_phone), (ravi_web, raju_web)
            writers: list[ChatClient | Browser] = [ravi_phone, raju_web, meena_phone, ravi_web]
            for n, writer in enumerate(writers):
                await writer.send(group, f"line {n}")
                for python in pythons:
                    if python is not writer:
                        await python.wait_for(received(f"line {n}"))
                for web in webs:
                    if web is not writer:
                        await web.received(f"line {n}")
            orders = {tuple(texts(python, group)) for python in pythons}
            orders |= {tuple(await web.texts(group)) for web in webs}
            assert orders == {("line 0", "line 1", "line 2", "line 3")}

    run_story(story)
