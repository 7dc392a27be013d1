"""Two implementations of docs/encryption.md, vodozemac and libolm, through the running system."""

import asyncio
import base64
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

import client.driver
from client import ChatClient, FileDescription, MessageReceived, State
from client.core.events import EmojiShown, Event, MessageReadable, VerificationRequested, Verified
from tests.support.running_system import PASSWORD
from tests.support.typescript_client import Browser, Node
from tests.system.conftest import Meet
from tests.system.telling import ANY, WITHIN, reached, received, texts

pytestmark = pytest.mark.xdist_group("story")
ROOT = Path(__file__).parents[2]

Make = Callable[..., ChatClient]
Name = Callable[[str], str]
Open = Callable[..., Browser]
Story = Callable[[Open], Awaitable[None]]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """The event loop of all stories, for the Node process that they share belongs to it."""
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def node(runner: asyncio.Runner) -> Iterator[Node]:
    """Each device in it has a name of its own."""
    started = Node()
    runner.run(started.__aenter__())
    yield started
    runner.run(started.__aexit__(None, None, None))


@pytest.fixture
def tell(
    endpoints: dict[str, Any], meet: Meet, runner: asyncio.Runner, node: Node
) -> Callable[[Story], None]:
    """Runs a story that opens devices of the TypeScript client by `browser(user, device)`."""

    class Acquainted(Browser):
        async def __aenter__(self) -> Self:
            entered = await super().__aenter__()
            await meet(self.user, self.add_contact)
            return entered

    def run(story: Story) -> None:
        def browser(user: str, device: str = "web") -> Browser:
            return Acquainted(node, endpoints["api"], user, PASSWORD, device)

        runner.run(asyncio.wait_for(story(browser), WITHIN))

    return run


def readable(text: str) -> Callable[[Event], bool]:
    kinds = (MessageReceived, MessageReadable)
    return lambda event: isinstance(event, kinds) and event.text == text


def of(kind: type[Event]) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind)


def test_any_text_is_read_on_the_other_side_and_ticks_come_back(
    device: Make, name: Name, tell: Callable[[Story], None]
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

    tell(story)


def test_a_picture_is_uploaded_and_opened_on_the_other_side_and_back(
    device: Make, name: Name, tell: Callable[[Story], None]
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

    tell(story)


@pytest.mark.deep
def test_both_write_first_at_the_same_time(
    device: Make, name: Name, tell: Callable[[Story], None]
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

    tell(story)


@pytest.mark.deep
def test_frames_that_overtake_each_other_and_lost_connections_lose_nothing(
    device: Make, name: Name, tell: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
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

    tell(story)


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
    device: Make, name: Name, tell: Callable[[Story], None]
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

    tell(story)


@pytest.mark.deep
def test_a_group_of_both_kinds_with_several_devices_reads_everybody(
    device: Make, name: Name, tell: Callable[[Story], None]
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

    tell(story)


@pytest.mark.deep
def test_a_device_that_was_added_a_second_ago_gets_the_message(
    device: Make, name: Name, tell: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi) as python, browser(raju) as web:
            chat = await python.chats.direct(raju)
            group = await python.chats.group([raju])
            for here in (chat, group):
                await python.send(here, f"before, python, {here}")
                await web.received(f"before, python, {here}")
                await web.send(here, f"before, web, {here}")
                await python.wait_for(received(f"before, web, {here}"))
            async with browser(raju, "tablet") as tablet, device(ravi, "laptop") as laptop:
                for here in (chat, group):
                    await python.send(here, f"after, python, {here}")
                    await web.send(here, f"after, web, {here}")
                for here in (chat, group):
                    for text in (f"after, python, {here}", f"after, web, {here}"):
                        await laptop.wait_for(readable(text))
                        await anyhow(tablet, text)

    tell(story)


async def anyhow(web: Browser, text: str) -> None:
    """It has the text, at once or as a copy."""
    waits = [
        asyncio.ensure_future(web.event(kind, text=text))
        for kind in ("message", "message_readable")
    ]
    done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for one in rest:
        one.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one
    for one in done:
        one.result()


@pytest.mark.deep
@pytest.mark.parametrize("remover", ["python", "web"])
def test_a_removed_member_reads_nothing_more_and_a_new_one_nothing_from_before(
    device: Make, name: Name, tell: Callable[[Story], None], remover: str
) -> None:
    async def story(browser: Open) -> None:
        async with (
            device(name("ravi")) as ravi,
            browser(name("raju")) as raju,
            browser(name("meena")) as meena,
            device(name("anil")) as anil,
        ):
            group = await ravi.chats.group([raju.user, anil.user])
            await ravi.people.change_admins(group, appoint=[raju.user])  # who may remove others
            await ravi.send(group, "before meena")
            await raju.received("before meena")

            async def change(**change: list[str]) -> None:
                if remover == "python":
                    await ravi.chats.change_members(group, **change)
                else:
                    await raju.do("changeMembers", group, change)

            await change(add=[meena.user])
            await ravi.send(group, "hello meena, says ravi")
            await raju.send(group, "hello meena, says raju")
            for text in ("hello meena, says ravi", "hello meena, says raju"):
                await anyhow(meena, text)
            await meena.send(group, "hello all")
            await ravi.wait_for(received("hello all"))
            await raju.received("hello all")
            await change(remove=[meena.user, anil.user])
            await ravi.send(group, "without them, says ravi")
            await raju.received("without them, says ravi")
            await raju.send(group, "without them, says raju")
            await ravi.wait_for(received("without them, says raju"))
            gone = {"before meena", "without them, says ravi", "without them, says raju"}
            assert not gone & set(await meena.texts(group))
            assert not {one for one in texts(anil, group) if one and one.startswith("without")}

    tell(story)


@pytest.mark.deep
@pytest.mark.parametrize("adder", ["python", "web"])
def test_who_is_added_gets_what_it_asks_for_but_nothing_from_before(
    device: Make, name: Name, tell: Callable[[Story], None], adder: str
) -> None:
    async def story(browser: Open) -> None:
        async with (
            device(name("ravi")) as ravi,
            browser(name("raju")) as raju,
            browser(name("meena")) as meena,
        ):
            group = await ravi.chats.group([raju.user])
            writer: ChatClient | Browser = ravi if adder == "python" else raju
            before = await writer.send(group, "before meena")
            if adder == "python":
                await ravi.wait_for(reached(before, State.SENT))
                await ravi.chats.change_members(group, add=[meena.user])
            else:
                await raju.event("state", messageId=before, state=State.SENT)
                await raju.do("changeMembers", group, {"add": [meena.user]})
            hello = await writer.send(group, "hello meena")
            await anyhow(meena, "hello meena")
            await meena.do("abort")
            for message_id in (before, hello):
                await meena.do("loseText", group, [writer.user, writer.device, message_id])
            await meena.__aenter__()
            await meena.event("message_readable", text="hello meena")
            assert "before meena" not in await meena.texts(group)

    tell(story)


@pytest.mark.deep
def test_who_lost_its_sessions_asks_and_gets_what_it_could_not_read(
    device: Make, name: Name, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story(browser: Open) -> None:
        ravi, raju = name("ravi"), name("raju")
        async with browser(raju) as web:
            async with device(ravi) as python:
                chat = await python.chats.direct(raju)
                await python.send(chat, "1")
                await web.received("1")
                await web.send(chat, "2")
                await python.wait_for(received("2"))
                await web.do("abort")
                await web.do("loseSessions")
                await web.__aenter__()
                await python.send(chat, "3")
                await web.event("message_readable", text="3")
                await web.send(chat, "4")
                await python.wait_for(received("4"))
            with sqlite3.connect(tmp_path / f"{ravi}-phone.sqlite") as database:
                database.execute("DELETE FROM olm_sessions")
            database.close()
            async with device(ravi) as python:
                await web.send(chat, "5")
                await python.wait_for(readable("5"))
                await python.send(chat, "6")
                await web.received("6")
                assert texts(python, chat) == await web.texts(chat) == list("123456")

    tell(story)


@pytest.mark.deep
def test_safety_numbers_and_emoji_are_the_same_on_both_sides(
    device: Make, name: Name, tell: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        async with device(name("raju")) as python, browser(name("ravi")) as web:
            chat = await python.chats.direct(web.user)
            shown = await web.do("safetyNumber", python.user)
            number = await python.verification.safety_number(web.user)
            assert shown == {"digits": number.digits, "qr": number.code}
            wrong = shown["digits"].translate(str.maketrans("0123456789", "1234567890"))
            assert not await python.verification.compare_safety_number(web.user, wrong)
            assert await python.verification.compare_safety_number(web.user, shown["qr"])
            assert await web.do("compareSafetyNumber", python.user, number.digits)

            await web.do("compare", chat, f"{python.user}/{python.device}")
            await python.wait_for(of(VerificationRequested))
            await python.verification.compare(web.user)
            emoji = await python.wait_for(of(EmojiShown))
            assert isinstance(emoji, EmojiShown)
            there = await web.event("comparison", stage="comparing")
            assert there["emoji"] == [meaning for _, meaning in emoji.emoji]
            python.verification.decide(web.user, True)
            await web.do("decide", f"{python.user}/{python.device}", True)
            await python.wait_for(of(Verified))
            await web.event("comparison", stage="verified")

    tell(story)


@pytest.mark.deep
def test_another_identity_of_a_device_stops_sending_until_it_is_accepted(
    device: Make, name: Name, tell: Callable[[Story], None], tmp_path: Path, endpoints: Any
) -> None:
    async def story(browser: Open) -> None:
        ravi, raju = name("ravi"), name("raju")
        async with browser(raju) as web:
            async with device(ravi) as python:
                chat = await python.chats.direct(raju)
                await web.send(chat, "to the first phone")
                await python.wait_for(received("to the first phone"))
            store = tmp_path / "another-phone.sqlite"
            async with ChatClient(endpoints["api"], ravi, PASSWORD, "phone", store) as another:
                await web.event("identity_changed", user=ravi, device="phone")
                waiting = await web.send(chat, "to whoever you are")
                await web.event("held", chat=chat)
                await another.send(chat, "it is me")
                event = await web.event("message", unreadable="identity_changed")
                assert event.get("text") is None
                await web.do("accept", ravi)
                await web.event("message_readable", text="it is me")
                await another.wait_for(readable("to whoever you are"))
                await web.event("state", messageId=waiting, state=State.DELIVERED.value)

    tell(story)
