"""Writing and reading as people do it: drafts stay, what is typed goes into the field, an input method
composes undisturbed, and a message is read only by who looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from client.core.events import Event, MessageReceived, WatermarksMoved
from tests.support.peers import Peers
from tests.support.web_app import People, TwoPeople, befriend, message, says, send, write_to

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]

CARET = "(area) => [area.selectionStart, area.selectionEnd]"
FLUSHED = "document.querySelector('switchboard-app').ui.session.drafts.flush().then(() => true)"
SENT = "(sent) => document.querySelector('switchboard-app').ui.session.send(...sent)"


def box(page: Page) -> Any:
    return page.get_by_role("textbox", name="Message")


def test_a_draft_stays_whatever_happens_and_the_caret_with_it(
    people: People, peers: Peers, names: Callable[[str], str]
) -> None:
    ravi, raju, meena = names("ravi"), names("raju"), names("meena")
    python = peers.connect(raju)
    peers.connect(meena)
    page = people.signed_up(ravi)
    befriend(peers, python, ravi)
    write_to(page, meena)
    write_to(page, raju)
    expect(box(page)).to_be_focused()
    send(page, "hello")
    heard = peers.wait_for(python, says("hello"))
    assert isinstance(heard, MessageReceived)
    expect(box(page)).to_have_value("")
    expect(box(page)).to_be_focused()

    page.keyboard.type("half a thought")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    peers.run(python.send(heard.chat, "while you write"))
    expect(message(page, re.compile(f"{raju}, while you write"))).to_be_visible()
    expect(box(page)).to_have_value("half a thought")
    assert box(page).evaluate(CARET) == [11, 11]
    expect(box(page)).to_be_focused()

    page.get_by_role("link", name=raju).click()  # the chat that is open
    expect(box(page)).to_have_value("half a thought")
    page.get_by_role("link", name=meena).click()
    expect(page.get_by_role("heading", name=meena, level=1)).to_be_visible()
    expect(box(page)).to_have_value("")
    page.get_by_role("link", name=raju).click()
    expect(page.get_by_role("heading", name=raju, level=1)).to_be_visible()
    expect(box(page)).to_have_value("half a thought")

    row = message(page, re.compile("You, hello"))
    row.hover()
    row.get_by_role("button", name="Actions for").click()
    page.get_by_role("button", name="Edit").click()
    expect(box(page)).to_have_value("hello")
    expect(box(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(box(page)).to_have_value("half a thought")
    page.evaluate(FLUSHED)
    page.reload()
    expect(box(page)).to_have_value("half a thought")
    expect(box(page)).to_be_focused()

    # after a dialog, and after a click on what takes no text, what is typed goes into the field
    row.hover()
    row.get_by_role("button", name="Actions for").click()
    page.get_by_role("dialog").get_by_role("button", name="React with 👍").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.type("!")
    expect(box(page)).to_have_value("half a thought!")
    row.click()
    page.keyboard.type("?")
    expect(box(page)).to_have_value("half a thought!?")


def test_enter_ends_a_composition_and_sends_only_after_it(
    two_people: TwoPeople, peers: Peers
) -> None:
    page, python = two_people.page, two_people.python
    devtools = page.context.new_cdp_session(page)
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    composed = {"selectionStart": 2, "selectionEnd": 2}
    devtools.send("Input.imeSetComposition", {"text": "にほ", **composed})
    expect(box(page)).to_have_value("にほ")
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    devtools.send("Input.insertText", {"text": "日本"})
    expect(box(page)).to_have_value("日本")
    expect(page.get_by_role("log").get_by_role("article")).to_have_count(0)
    # an Enter right after the end of a composition is the one that ended it
    while box(page).input_value():
        page.keyboard.press("Enter")
    peers.wait_for(python, says("日本"))


def test_a_message_is_read_by_who_looks_at_it_and_not_by_a_window_that_is_open(
    two_people: TwoPeople, peers: Peers
) -> None:
    page, python, ravi, raju = two_people.page, two_people.python, two_people.ravi, two_people.raju
    chat = peers.run(python.chats.direct(ravi))
    entry = page.get_by_role("link", name=raju)
    page.evaluate("document.hasFocus = () => false")
    for count in range(1, 40):
        peers.run(python.send(chat, f"line {count}"))
    last = message(page, re.compile(f"{raju}, line 39,"))
    expect(last).to_be_in_viewport()  # the end is followed anyway
    expect(entry).to_contain_text("39 unread messages")

    # with the focus alone it is not read either: nobody has touched anything since it came
    page.evaluate("delete document.hasFocus")
    peers.run(python.send(chat, "one more"))
    expect(entry).to_contain_text("40 unread messages")
    # A receipt would be on its way before a message that this page sends now.
    page.evaluate(SENT, [chat, "later"])
    read: list[int] = []

    def comes_later(event: Event) -> bool:
        if isinstance(event, WatermarksMoved) and event.user == ravi:
            read.append(event.read)
        return says("later")(event)

    peers.wait_for(python, comes_later)
    assert max(read, default=0) == 0
    expect(message(page, re.compile("You, later, .*, delivered"))).to_be_attached()
    expect(entry).to_contain_text("40 unread messages")
    page.evaluate("dispatchEvent(new Event('focus'))")  # the window was chosen again
    expect(entry).not_to_contain_text("unread")
