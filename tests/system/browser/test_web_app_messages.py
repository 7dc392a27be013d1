"""The list of messages: what the reader looks at stays, whatever comes; few rows of many are drawn.

Thousands of messages are put into the page's model, below which everything is as always: to send
them would take minutes, and the store has tests of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from client import ChatClient
from tests.support.peers import Peers
from tests.support.web_app import (
    EYE,
    FILL,
    OLDER,
    PIXEL,
    SETTLED,
    People,
    TwoPeople,
    befriend,
    message,
    says,
    send,
)

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]


@pytest.fixture
def chat(two_people: TwoPeople) -> Page:
    return two_people.page


# All pictures are there, as large as they get.
PICTURES = """() => Promise.all([...document.querySelectorAll('[role=log] img')]
  .map((each) => each.decode())).then((all) => all.length)"""


def rows(page: Page) -> int:
    return page.get_by_role("log").get_by_role("article").count()


def scroll_to(page: Page, place: str) -> None:
    page.get_by_role("log").evaluate(f"(log) => {{ log.scrollTop = {place}; }}")
    page.evaluate(SETTLED)


def eye_after(page: Page, act: Callable[[], Any]) -> float:
    """By how many pixels the row under the eye has moved."""
    before = page.evaluate(EYE)
    act()
    page.evaluate(SETTLED)
    article = page.get_by_role("log").get_by_role("article", name=before["name"], exact=True)
    after: float = article.evaluate("(row) => row.getBoundingClientRect().top")
    return abs(after - float(before["top"]))


def test_the_reader_stays_where_they_are_and_few_rows_are_drawn(chat: Page) -> None:
    page = chat
    page.evaluate(FILL, {"first": 20_000, "count": 200, "complete": True})
    page.evaluate(SETTLED)
    for place in ("0", "1", "500", "log.scrollHeight / 2"):
        scroll_to(page, place)
        moved = eye_after(page, lambda: page.evaluate(OLDER, {"count": 50}))
        assert moved <= 1, f"from {place}"

    page.evaluate(FILL, {"first": 1, "count": 10_000, "complete": True})
    page.evaluate(SETTLED)
    page.get_by_role("button", name="To the newest message").click()
    expect(message(page, re.compile("message 10000 "))).to_be_in_viewport()
    most = rows(page)
    for _ in range(60):
        scroll_to(page, "Math.max(0, log.scrollTop - 3000)")
        most = max(most, rows(page))
    assert 60 < most <= 300
    expect(message(page, re.compile("message 10000 "))).to_have_count(0)

    page.get_by_role("button", name="Find in chat").click()
    page.get_by_role("searchbox", name="Find in chat").fill("message 4321 ")
    expect(message(page, re.compile("message 4321 "))).to_be_in_viewport()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="To the newest message").click()
    expect(message(page, re.compile("message 10000 "))).to_be_in_viewport()
    assert rows(page) <= 300


def test_pictures_that_come_late_move_no_reader(chat: Page) -> None:
    page = chat
    page.evaluate(FILL, {"first": 20_000, "count": 200, "complete": True})
    page.evaluate(SETTLED)
    scroll_to(page, "0")
    seen = []
    for _ in range(3):
        older = {"count": 50, "pixel": PIXEL}
        assert eye_after(page, lambda older=older: page.evaluate(OLDER, older)) <= 1  # type: ignore[misc]
        for _ in range(12):
            page.get_by_role("log").evaluate("(log) => { log.scrollTop -= 500; }")
            assert eye_after(page, lambda: seen.append(page.evaluate(PICTURES))) <= 1
    assert max(seen) > 10


def test_new_messages_are_followed_at_the_end_only_and_counted_elsewhere(
    two_people: TwoPeople, peers: Peers
) -> None:
    page, python, ravi, raju = two_people.page, two_people.python, two_people.ravi, two_people.raju
    send(page, "first")
    peers.wait_for(python, says("first"))
    direct = peers.run(python.chats.direct(ravi))
    long = "a line\n" * 60
    peers.run(python.send(direct, long + "the end of it"))
    expect(message(page, re.compile("the end of it"))).to_be_visible()
    box = page.get_by_role("textbox", name="Message")
    expect(box).to_be_in_viewport()
    bottom = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2"
    page.wait_for_function(f"() => ({bottom})(document.querySelector('[role=log]'))")

    scroll_to(page, "0")
    top = "() => document.querySelector('[role=log]').scrollTop"
    peers.run(python.send(direct, "second"))
    expect(page.get_by_role("button", name="1 new message")).to_be_visible()
    peers.run(python.send(direct, "third"))
    page.get_by_role("button", name="2 new messages").wait_for()
    assert page.evaluate(top) == 0
    page.get_by_role("button", name="2 new messages").click()
    expect(message(page, re.compile(f"{raju}, third"))).to_be_in_viewport()

    scroll_to(page, "0")
    send(page, "my own goes to the end")
    expect(message(page, re.compile("You, my own goes to the end"))).to_be_in_viewport()
    read_on_another_device(page, peers, python, direct, ravi)


def test_the_end_stays_in_view_whatever_grows_beneath_it_and_own_files_lead_there(
    chat: Page,
) -> None:
    page = chat
    send(page, "a line\n" * 100 + "the end of it")
    expect(message(page, re.compile("the end of it, .*, delivered"))).to_be_visible()
    # The list hears of its scrolling before it hears of its size.
    page.get_by_role("log").evaluate(
        """(log) => {
          log.firstElementChild.style.paddingBlockEnd = '200px';
          log.dispatchEvent(new Event('scroll'));
        }"""
    )
    expect(page.get_by_role("button", name="To the newest message")).to_have_count(0)
    bottom = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2"
    page.wait_for_function(f"() => ({bottom})(document.querySelector('[role=log]'))")

    scroll_to(page, "0")
    page.get_by_role("button", name="Record a voice message").click()
    page.get_by_role("button", name="To the newest message").click(trial=True)
    page.get_by_role("button", name="Send the recording").click(trial=True)
    expect(page.get_by_role("textbox", name="Message")).to_have_count(0)
    expect(page.get_by_role("button", name="Send the recording")).to_be_focused()
    page.get_by_role("button", name="Discard the recording").click()
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    page.get_by_label("Attach a file").set_input_files(
        {"name": "scores.csv", "mimeType": "text/csv", "buffer": b"ravi,7"}
    )
    expect(message(page, re.compile("You, File: scores.csv"))).to_be_in_viewport()


def read_on_another_device(
    page: Page, peers: Peers, python: ChatClient, direct: str, ravi: str
) -> None:
    """The line above what is unread stays while the chat is open; another device's read ends it."""
    page.get_by_role("button", name="New chat").click()
    page.evaluate("location.hash = '#/'")
    peers.run(python.send(direct, "while you were elsewhere"))
    entry = page.get_by_role("link", name="while you were elsewhere")
    expect(entry).to_contain_text("1 unread message")
    second = peers.connect(ravi, "tablet")
    entry.click()
    line = page.get_by_role("log").get_by_text("1 unread message")
    expect(line).to_be_visible()
    expect(page.get_by_role("link", name="1 unread message")).to_have_count(0)  # it is read
    expect(line).to_be_visible()
    peers.run(python.send(direct, "one more"))
    expect(message(page, re.compile("one more"))).to_be_visible()
    expect(line).to_be_visible()
    seq = peers.call(lambda: python.chats.all())[-1].watermark
    peers.run(second.sync())
    peers.call(lambda: second.messages.mark_read(direct, seq))
    expect(line).to_have_count(0)


def test_all_of_it_works_by_keyboard(
    people: People, peers: Peers, names: Callable[[str], str]
) -> None:
    ravi, raju = names("ravi"), names("raju")
    python = peers.connect(raju)
    page = people.signed_up(ravi)
    befriend(peers, python, ravi)
    press = page.keyboard.press
    tab_to(page, "button", "New chat")
    press("Enter")
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(raju)
    press("Enter")
    box = page.get_by_role("textbox", name="Message")
    expect(box).to_be_focused()
    page.keyboard.type("by")
    press("Shift+Enter")
    page.keyboard.type("keyboard")
    press("Enter")
    peers.wait_for(python, says("by\nkeyboard"))
    page.keyboard.type("second")
    press("Enter")
    second = message(page, re.compile("You, second"))
    expect(second).to_be_visible()
    tab_to(page, "article", re.compile("You, second"), "Shift+Tab")
    press("ArrowUp")
    expect(message(page, re.compile("You, by"))).to_be_focused()
    press("Tab")
    press("Enter")
    menu = page.get_by_role("dialog")
    expect(menu.get_by_role("button", name="Message info")).to_be_visible()
    press("Escape")
    expect(menu).to_have_count(0)
    expect(page.get_by_role("button", name="Actions for").first).to_be_focused()


def tab_to(page: Page, role: Any, name: str | re.Pattern[str], key: str = "Tab") -> None:
    wanted = page.get_by_role(role, name=name).first
    for _ in range(40):
        if wanted.evaluate("(each) => each === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead to {name}")
