"""The page in WebKit, which Safari has: two people write to each other, and the reader of a long chat
stays where they are, without a browser that sees to it. Where this machine has no WebKit it is
skipped, and says what to install."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.peers import Peers
from tests.support.running_system import PASSWORD
from tests.support.web_app import EYE, FILL, OLDER, PIXEL, SETTLED, befriend, says
from tests.support.webdriver import ENTER, Driven, lacks_webkit, webkit

LACKS = lacks_webkit()
pytestmark = [
    pytest.mark.xdist_group("story"),
    pytest.mark.deep,
    # WebKit's driver and Xvfb are packages of Debian that CI does not install
    pytest.mark.skipif(LACKS is not None, reason=str(LACKS)),
]

CLICK = """(name) => {
  const named = (each) => [each.getAttribute('aria-label'), each.innerText.trim()].includes(name);
  const found = [...document.querySelectorAll('button, a')].find(
    (each) => named(each) && each.checkVisibility());
  found?.click();
  return found !== undefined;
}"""
FOCUS = """(label) => {
  const of = [...document.querySelectorAll('label')].find((each) =>
    each.innerText.trim().startsWith(label) && each.checkVisibility());
  const field = of?.control ?? document.querySelector(`[aria-label="${label}"]`);
  field?.focus();
  return field != null && document.activeElement === field;
}"""
ROW = """(text) => [...document.querySelectorAll('[role=log] [role=article]')]
  .map((each) => each.getAttribute('aria-label')).find((name) => name.includes(text))"""
TICKED = """(text, state) => [...document.querySelectorAll('[role=log] [role=article]')]
  .some((each) => each.getAttribute('aria-label').match(`^You, ${text}, .*, ${state}$`))"""
MOVED = """({ name, top }) => {
  const row = [...document.querySelectorAll('[role=log] [role=article]')]
    .find((each) => each.getAttribute('aria-label') === name);
  return row === undefined ? 'the row is gone' : Math.abs(row.getBoundingClientRect().top - top);
}"""
SCROLL = "(place) => { document.querySelector('[role=log]').scrollTop = place; }"
LOADED = """() => Promise.all([...document.querySelectorAll('[role=log] img')]
  .map((each) => each.decode().catch(() => {}))).then((all) => all.length)"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Driven]:
    with webkit(tmp_path) as driven:
        yield driven


def write(page: Driven, field: str, text: str) -> None:
    page.wait_for(FOCUS, field)
    page.press(*text)


def test_two_people_write_to_each_other_and_the_reader_stays(
    page: Driven, peers: Peers, names: Callable[[str], str], endpoints: dict[str, Any]
) -> None:
    ravi, raju = names("ravi"), names("raju")
    python = peers.connect(raju)
    page.go(endpoints["page"])
    page.wait_for(CLICK, "Create account")
    write(page, "User name", ravi)
    write(page, "Password", PASSWORD)
    page.press(ENTER)
    page.wait_for(CLICK, "New chat")
    befriend(peers, python, ravi)
    write(page, "User name", raju)
    page.press(ENTER)
    write(page, "Message", "Hey Raju!")
    page.press(ENTER)
    peers.wait_for(python, says("Hey Raju!"))
    page.wait_for(TICKED, "Hey Raju!", "delivered")
    peers.run(python.send(peers.run(python.chats.direct(ravi)), "Hi Ravi!"))
    page.wait_for(ROW, f"{raju}, Hi Ravi!")
    page.run("() => { location.reload(); }")
    page.wait_for(ROW, f"{raju}, Hi Ravi!")
    page.wait_for(TICKED, "Hey Raju!", "delivered")

    page.run(FILL, {"first": 20_000, "count": 200, "complete": True})
    page.run(SETTLED)
    for place in (0, 1, 500, 4_000):
        for pixel in (None, PIXEL):
            page.run(SCROLL, place)
            page.run(SETTLED)
            before = page.run(EYE)
            page.run(OLDER, {"count": 50, "pixel": pixel})
            page.run(SETTLED)
            assert page.run(MOVED, before) <= 1, (place, pixel is not None)
            page.run(LOADED)
            assert page.run(MOVED, before) <= 1, f"pictures, from {place}"
