"""People in front of the web client's page: a browser for each, and what they do in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from client import ChatClient
from client.core.events import Event, MessageReceived
from tests.support.peers import Peers
from tests.support.running_system import PASSWORD, WITHIN

WITHIN_MS = WITHIN * 1_000  # also of clicks: this machine may have much else to do
expect.set_options(timeout=WITHIN_MS)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}

# Gives the open chat `count` messages, of heights that differ; `first` is the first one's seq.
FILL = """({ first, count, complete }) => {
  const { session } = document.querySelector('switchboard-app').ui;
  const { open } = session;
  const made = (seq) => ({
    chat: open.chat, seq, messageId: `m${seq}`, sender: seq % 3 ? session.user : 'raju',
    senderDevice: 'x', sentAt: 1700000000000 + seq * 60000,
    text: `message ${seq}` + ' and more words'.repeat(seq % 17), unreadable: undefined,
    state: seq % 3 ? 4 : undefined, reason: undefined, kind: 'text', content: undefined,
    reference: { by: 'x/x', id: `m${seq}` }, edited: false, deleted: false, reactions: [],
    reply: undefined, expires: undefined, expiresAt: undefined,
  });
  open.messages = Array.from({ length: count }, (_, at) => made(first + at));
  open.complete = complete;
  open.changed();
}"""

# One pixel, which is drawn as large as the picture that it stands for.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg"
)
# Puts `count` older messages in front of those that are there; with `pixel` each third is a picture,
# of another shape each, which the browser draws only later.
OLDER = """({ count, pixel }) => {
  const { open } = document.querySelector('switchboard-app').ui.session;
  const first = open.messages[0];
  const older = Array.from({ length: count }, (_, at) => ({
    ...first, seq: first.seq - count + at, messageId: `m${first.seq - count + at}`,
    sentAt: first.sentAt - (count - at) * 60000, text: `older ${at}` + ' words'.repeat(at % 23),
    ...(pixel && at % 3 === 0 ? { kind: 'file', content: { kind: 'file', file: {
      kind: 'picture', id: `none-${first.seq}-${at}`, name: `${at}.png`, size: 70, type: 'image/png',
      width: 300 + 50 * (at % 7), height: 200 + 40 * (at % 11), thumbnail: pixel,
    } } } : {}),
  }));
  open.messages = [...older, ...open.messages];
  open.changed();
}"""
# The first row that is seen, and where its upper edge is.
EYE = """() => {
  const log = document.querySelector('[role=log]');
  const top = log.getBoundingClientRect().top;
  const rows = [...log.querySelectorAll('[role=article]')];
  const row = rows.find((each) => each.getBoundingClientRect().bottom > top + 2);
  return { name: row.getAttribute('aria-label'), top: row.getBoundingClientRect().top };
}"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def complaint(message: ConsoleMessage) -> list[str]:
    """A breach of the content security policy is a message of the type error as well. That an
    order was refused the page says in words; the browser remarks on it by itself."""
    refused = "Failed to load resource: the server responded with a status of 4"
    if message.type not in ("error", "warning") or message.text.startswith(refused):
        return []
    return [message.text]


class People:
    """Browsers of their own, one for each person; in the end none has complained."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self.address = browser, address
        self.complaints: list[str] = []
        self.may_be_offline = False  # the browser remarks on each request that fails
        self._contexts: list[BrowserContext] = []

    def browser(self, size: dict[str, int] = DESK, **options: Any) -> BrowserContext:
        context = self._browser.new_context(viewport=size, locale="en-GB", **options)  # type: ignore[arg-type]
        context.set_default_timeout(WITHIN_MS)
        self._contexts.append(context)
        return context

    def page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", lambda message: self.complaints.extend(complaint(message)))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.address)
        return page

    def signed_up(self, user: str, size: dict[str, int] = DESK, **options: Any) -> Page:
        page = self.page(self.browser(size, **options))
        create_account(page, user)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


def create_account(page: Page, user: str) -> None:
    """Whoever writes to the user from now on finds the keys of this browser."""
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Chats", level=1)).to_be_visible()
    expect(page.locator(".link-connected")).to_be_attached()


class TwoPeople(NamedTuple):
    """Ravi in front of the page, with the chat with Raju open, and Raju in Python."""

    ravi: str
    raju: str
    page: Page
    python: ChatClient


def says(text: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, MessageReceived) and event.text == text


def write_to(page: Page, user: str) -> None:
    page.get_by_role("button", name="New chat").first.click()
    page.get_by_label("User name").fill(user)
    page.get_by_role("button", name="Start chat").click()
    expect(page.get_by_role("heading", name=user, level=1)).to_be_visible()


def send(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")


def message(page: Page, name: str | re.Pattern[str]) -> Any:
    """A row by its name: who, text, time and state."""
    return page.get_by_role("log").get_by_role("article", name=name)


def befriend(peers: Peers, peer: ChatClient, user: str) -> None:
    peers.run(peer.people.add(user))
