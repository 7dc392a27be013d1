"""Draws the pictures of the web client in docs/pictures/, with a system of its own and Chromium.

`make pictures` runs it. The times in them are those of the moment. No test: it looks at nothing.
"""

from __future__ import annotations

import re
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from client import ChatClient
from tests.support.chromium import FLAGS
from tests.support.peers import Peers
from tests.support.running_system import PASSWORD, started
from tests.support.web_app import WITHIN_MS, create_account
from tools.chromium import chromium

ROOT = Path(__file__).parents[3]
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 780}

TRIP = [
    ("meena", "Who has the tickets?"),
    ("ravi", "I do. Four seats by the window"),
    ("meena", "Perfect! The train leaves at 6:40, so let's meet at the station at 6:15."),
    ("raju", "I'll bring the tea"),
    ("meena", "Then I bring idlis."),
]
TALK = [
    ("raju", "Hey! Did you see the game last night?"),
    ("ravi", "Only the second half. What a finish!"),
    ("raju", "Unbelievable! I nearly woke the neighbours"),
    ("ravi", "Same here. Are we still on for Saturday?"),
    (
        "raju",
        "Of course. I'll book the court for five, then dinner at the new place near the lake?",
    ),
    ("ravi", "Sounds great. See you there!"),
]


class Story:
    """People in a system: Ravi in a browser, the others as Python clients."""

    def __init__(self, browser: Browser, endpoints: dict[str, Any], to: Path) -> None:
        self._browser, self._page, self._to = browser, endpoints["page"], to
        self._peers = Peers(endpoints["api"], Path(tempfile.mkdtemp()), PASSWORD)
        self._to.mkdir(parents=True, exist_ok=True)

    def page(self, size: dict[str, int], scheme: str = "light", **options: Any) -> Page:
        context = self._browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            locale="en-GB",
            reduced_motion="reduce",
            **options,
        )
        page = context.new_page()
        page.set_default_timeout(WITHIN_MS)
        page.goto(self._page)
        return page

    def draw(self, page: Page, name: str) -> None:
        page.mouse.move(0, 0)
        page.screenshot(path=self._to / f"{name}.png", animations="disabled", caret="hide")

    def play(self) -> None:
        page = self.page(DESK)
        self.draw(page, "sign-in")
        create_account(page, "ravi")
        page.locator(".link-connected").wait_for(state="attached")
        self.draw(page, "no-chats")
        others = {name: self._peers.connect(name) for name in ("raju", "meena", "anita")}
        for client in others.values():
            self._peers.run(client.people.add("ravi"))
        self.talk(page, others)
        self.views(page)
        self._peers.close()

    def talk(self, page: Page, others: dict[str, ChatClient]) -> None:
        run = self._peers.run
        for name in ("anita", "meena", "raju"):
            page.get_by_role("button", name="New chat").first.click()
            page.get_by_label("User name").fill(name)
            page.get_by_role("button", name="Start chat").click()
            page.get_by_role("heading", name=name, level=1).wait_for()
        run(others["anita"].send(run(others["anita"].chats.direct("ravi")), "Thank you so much!"))
        run(others["raju"].people.add("meena"))
        page.get_by_role("button", name="New group").click()
        page.get_by_label("Group name").fill("Goa trip")
        page.get_by_label("User names").fill("raju, meena")
        page.get_by_role("button", name="Create group").click()
        page.get_by_role("heading", name="Goa trip", level=1).wait_for()
        group = page.url.rsplit("/", 1)[1]
        self.converse(page, group, TRIP, others)
        self.draw(page, "group")
        page.get_by_role("link", name="raju").click()
        page.get_by_role("heading", name="raju", level=1).wait_for()
        self.converse(page, run(others["raju"].chats.direct("ravi")), TALK, others)
        run(others["meena"].send(group, "Don't forget sunscreen!"))
        run(
            others["meena"].send(
                run(others["meena"].chats.direct("ravi")), "Can you call me later?"
            )
        )
        expect(page.get_by_text("Can you call me later?")).to_be_visible()

    def converse(
        self, page: Page, chat: str, lines: list[tuple[str, str]], others: dict[str, ChatClient]
    ) -> None:
        for who, text in lines:
            if who == "ravi":
                box = page.get_by_role("textbox", name="Message")
                box.fill(text)
                box.press("Enter")
                ticked = page.get_by_role("article", name=re.compile("sent|delivered|read"))
                expect(ticked.filter(has_text=text)).to_be_visible()
            else:
                self._peers.run(others[who].send(chat, text))
            expect(page.get_by_role("log").get_by_text(text)).to_be_visible()
        for client in others.values():
            self._peers.call(partial(read_all, client, chat))
        expect(page.get_by_role("article", name="read").last).to_be_visible()

    def views(self, page: Page) -> None:
        chat = page.url
        self.draw(page, "chat")
        page.emulate_media(color_scheme="dark")
        self.draw(page, "chat-dark")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        self.draw(page, "phone-chat-dark")
        page.emulate_media(color_scheme="light")
        self.draw(page, "phone-chat")
        page.goto(chat.split("#")[0] + "#/")
        page.get_by_role("heading", name="Chats", level=1).wait_for()
        self.draw(page, "phone-chats")
        page.evaluate("document.documentElement.dir = 'rtl'")
        self.draw(page, "phone-chats-rtl")
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        page.get_by_role("link", name="raju").click()
        page.get_by_role("heading", name="raju", level=1).wait_for()
        self.draw(page, "chat-rtl")
        page.evaluate("document.documentElement.removeAttribute('dir')")
        page.get_by_role("button", name="Chat info").click()
        page.get_by_role("link", name="Verify raju").click()
        page.get_by_role("img", name="Safety number").wait_for()
        self.draw(page, "verify")
        page.get_by_role("button", name="Settings").click()
        page.get_by_label("Read receipts").wait_for()
        self.draw(page, "settings")
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        self.draw(page, "phone-settings-dark")
        page.get_by_role("link", name="Devices").click()
        page.get_by_text("This device").wait_for()
        self.draw(page, "phone-devices-dark")


def read_all(client: ChatClient, chat: str) -> None:
    for summary in client.chats.all():
        if summary.chat == chat:
            client.messages.mark_read(chat, summary.watermark)


def main() -> None:
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures"
    program = chromium()
    assert program is not None, "there is no Chromium on this machine"
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder)) as endpoints,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        Story(browser, endpoints, to).play()
        browser.close()


if __name__ == "__main__":
    main()
