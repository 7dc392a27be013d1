"""Every view for everybody: axe finds nothing, in light and dark, on a phone and on a desk, and
nothing is wider than its screen, in either direction of writing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.peers import Peers
from tests.support.typescript_client import WEB
from tests.support.web_app import (
    DESK,
    PHONE,
    People,
    befriend,
    message,
    says,
    send,
    write_to,
)

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]

AXE = (WEB / "node_modules" / "axe-core" / "axe.min.js").read_text()
# All rules but those that WCAG does not ask for and no view of one page can meet.
RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) =>
    html.slice(0, 200) + ' ' + failureSummary).join(' | ')}`);
}"""
OVERFLOWS = """() => [...document.querySelectorAll('body *')].filter((each) => {
  const { left, right, width } = each.getBoundingClientRect();
  return width > 1 && each.checkVisibility() && (left < -1 || right > innerWidth + 1);
}).map((each) => each.outerHTML.slice(0, 120))"""


def examine(page: Page, view: str) -> None:
    """In each colour and size; the view is there already."""
    page.evaluate(AXE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size in (DESK, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            assert page.evaluate(RUN) == [], f"{view}, {scheme}, {size['width']} px"
    for direction in ("rtl", "ltr"):
        page.evaluate(f"document.documentElement.dir = '{direction}'")
        for width in (320, 390, 720, 1180, 2560):
            page.set_viewport_size({"width": width, "height": 700})
            assert page.evaluate(OVERFLOWS) == [], f"{view}, {direction}, {width} px"
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


@pytest.fixture
def page(people: People, peers: Peers, names: Callable[[str], str]) -> Iterator[Page]:
    """Somebody with a direct chat, a group, a request and a text that can't be sent yet."""
    ravi, raju, meena = names("ravi"), names("raju"), names("meena")
    friend, stranger = peers.connect(raju), peers.connect(meena)
    page = people.signed_up(ravi, reduced_motion="reduce")
    befriend(peers, friend, ravi)
    write_to(page, raju)
    send(page, "A first text, with averyveryverylongword" + "o" * 300)
    peers.wait_for(friend, says("A first text, with averyveryverylongword" + "o" * 300))
    direct = peers.run(friend.chats.direct(ravi))
    peers.run(friend.send(direct, "مرحبا، how are you?"))
    expect(message(page, re.compile("how are you"))).to_be_visible()
    peers.run(stranger.send(peers.run(stranger.chats.direct(ravi)), "Hello?"))
    expect(page.get_by_role("link", name="1 request")).to_be_visible()
    yield page


def test_axe_finds_nothing_and_nothing_overflows_on_any_view(page: Page) -> None:
    chat = page.evaluate("location.hash")
    user = page.get_by_role("region", name="Messages").get_by_role("heading").inner_text()
    examine(page, "chat")
    page.get_by_role("button", name="Find in chat").click()
    examine(page, "find in chat")
    page.get_by_role("button", name="Find in chat").click()
    message(page, re.compile("A first text")).hover()
    message(page, re.compile("A first text")).get_by_role("button").click()
    examine(page, "menu")
    page.get_by_role("button", name="Message info").click()
    expect(
        page.get_by_role("region", name="Chat info").get_by_role("heading", level=1)
    ).to_be_visible()
    examine(page, "message info")
    views = {
        f"{chat}/info": page.get_by_role("link", name=f"Verify {user}"),
        f"{chat}/verify/{user}": page.get_by_role("img", name="Safety number"),
        "#/new": page.get_by_role("heading", name="New chat", level=1),
        "#/new-group": page.get_by_role("heading", name="New group", level=1),
        "#/requests": page.get_by_role("link", name="wants to write to you"),
        "#/settings": page.get_by_label("Read receipts"),
        "#/devices": page.get_by_text("This device", exact=True),
    }
    for address, there in views.items():
        page.evaluate("(hash) => { location.hash = hash; }", address)
        expect(there).to_be_visible()
        examine(page, address)
    page.evaluate("location.hash = '#/settings'")
    page.get_by_role("button", name="Delete account").click()
    examine(page, "question")
    page.keyboard.press("Escape")
    page.get_by_label("Language").select_option("de")
    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    examine(page, "settings in German")


def test_axe_finds_nothing_before_somebody_has_signed_in(people: People) -> None:
    page = people.page(people.browser())
    page.get_by_role("button", name="Create account").wait_for()
    examine(page, "sign in")
    page.get_by_role("button", name="Create account").click()
    examine(page, "create account")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Forgot password?").click()
    examine(page, "forgot password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Link with another device").click()
    expect(page.get_by_role("img", name="Code of the new device")).to_be_visible()
    examine(page, "link with another device")
