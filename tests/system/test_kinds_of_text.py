"""Replies, reactions, edits, deletions and names: the Python and the TypeScript client see the same."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from client import ChatClient, ChatDescribed
from tests.support.typescript_client import Browser
from tests.system.both_clients import Make, Name, Open, Story, node, run_story, runner

__all__ = ["node", "run_story", "runner"]  # fixtures

View = list[dict[str, Any]]
pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]

LOOKS = 6_000  # before the scene has failed
PICTURE = "/9j/wAARCABgAGADAREAAhEBAxEB"


def python_view(client: ChatClient, chat: str) -> View:
    return [
        {
            "kind": each.kind,
            "text": each.text,
            "edited": each.edited,
            "deleted": each.deleted,
            "reactions": [reaction._asdict() for reaction in each.reactions],
            "reply": each.reply.text if each.reply else None,
        }
        for each in client.messages.history(chat)
    ]


async def web_view(browser: Browser, chat: str) -> View:
    names = ("kind", "text", "edited", "deleted", "reactions")
    return [
        {**{name: each[name] for name in names}, "reply": each.get("reply", {}).get("text")}
        for each in await browser.do("history", chat)
    ]


async def both_see(
    pythons: tuple[ChatClient, ...], webs: tuple[Browser, ...], chat: str, **expected: Any
) -> None:
    """In the end the same everywhere, and in the newest text what is expected."""
    for _ in range(LOOKS):
        views = [python_view(each, chat) for each in pythons]
        views += [await web_view(each, chat) for each in webs]
        newest = [each for each in views[0] if each["kind"] == "text"][-1:]
        fits = newest and expected.items() <= newest[0].items()
        if fits and all(view == views[0] for view in views):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"expected {expected}, got {views}")


def reference(message: dict[str, Any]) -> dict[str, str]:
    of: dict[str, str] = message["reference"]
    return of


def test_what_one_client_changes_the_other_shows_the_same(
    device: Make, name: Name, run_story: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        ravi, raju, meena = name("ravi"), name("raju"), name("meena")
        async with (
            device(ravi) as phone,
            browser(raju) as web,
            device(meena) as other,
            browser(ravi) as own,
        ):
            group = await phone.chats.group([raju, meena], "Weekend")
            everywhere = ((phone, other), (web, own), group)
            await phone.send(group, "tea?")
            await both_see(*everywhere, text="tea?")
            asked = phone.messages.history(group)[-1].reference
            await web.do("send", group, "yes", asked._asdict())
            await both_see(*everywhere, text="yes", reply="tea?")
            answer = (await web.do("history", group))[-1]
            first, second = {"user": ravi, "emoji": "❤️"}, {"user": meena, "emoji": "👍"}
            await phone.writing.react(group, phone.messages.history(group)[-1].reference, "👍")
            await both_see(*everywhere, reactions=[{**first, "emoji": "👍"}])
            await own.do("react", group, reference(answer), "❤️")  # the same user's other device
            await both_see(*everywhere, reactions=[first])
            await other.writing.react(group, phone.messages.history(group)[-1].reference, "👍")
            await both_see(*everywhere, reactions=[first, second])
            await web.do("edit", group, reference(answer), "yes, please")
            await both_see(*everywhere, text="yes, please", edited=True)
            await own.do("edit", group, asked._asdict(), "coffee?")
            await both_see(*everywhere, reply="coffee?")
            await web.do("delete", group, reference(answer))
            await both_see(*everywhere, text="", deleted=True, reactions=[], reply=None)
            await web.do("setTimer", group, 3600)
            await phone.wait_for(
                lambda event: isinstance(event, ChatDescribed) and event.what == "timer"
            )
            await phone.send(group, "goes")
            await both_see(*everywhere, text="goes")
            assert [each["timer"] for each in await web.do("chats")] == [3600]
            assert {each.name for each in (*phone.chats.all(), *other.chats.all())} == {"Weekend"}
            assert phone.messages.history(group)[-1].expires == 3600

            chat = await web.do("direct", ravi)
            await web.do("setProfile", "Raju", PICTURE)
            await web.do("send", chat, "hello")
            await both_see((phone,), (web, own), chat, text="hello")
            for _ in range(LOOKS):
                if phone.writing.profile(raju).name:
                    break
                await asyncio.sleep(0.05)
            assert phone.writing.profile(raju).picture == PICTURE
            assert phone.writing.profile(raju).name == "Raju"

    run_story(story)
