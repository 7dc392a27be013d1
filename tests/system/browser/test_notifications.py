"""Notifications of a page that is closed, in Chromium: a push from the running system wakes the service
worker, which fetches and decrypts on the device."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from client import ChatClient
from client.core.events import Event, MessageReceived
from tests.support.peers import Peers
from tests.support.pushed_browser import PushedBrowser, pushed_browser
from tests.support.web_app import create_account

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]

FALLBACK = ("New message", "Open Switchboard to read it.")


@pytest.fixture
def phone(browser: Browser, endpoints: dict[str, Any], tmp_path: Path) -> Iterator[PushedBrowser]:
    with pushed_browser(browser, tmp_path / "profile", endpoints) as there:
        yield there


def wants_notifications(page: Page) -> None:
    page.evaluate("location.hash = '#/settings'")
    switch = page.get_by_role("checkbox", name="Notify me of messages")
    # The switch moves with the click; the backend has the subscription some time later.
    with page.expect_response(_registers_a_subscription) as response:
        switch.click()
    assert response.value.ok
    expect(switch).to_be_checked()
    expect(page.get_by_role("status").filter(has_text="did not work")).to_have_count(0)


def _registers_a_subscription(response: Response) -> bool:
    request = response.request
    return request.method == "PUT" and '"web_push"' in (request.post_data or "")


def arrives(
    peers: Peers, sender: ChatClient, chat: str, text: str, receiver: ChatClient
) -> MessageReceived:
    """The text as `receiver` got it."""

    async def sent() -> Event:
        fits = lambda event: isinstance(event, MessageReceived) and event.text == text  # noqa: E731
        got = asyncio.ensure_future(receiver.wait_for(fits))
        await asyncio.sleep(0)  # it listens before the text can arrive
        await sender.send(chat, text)
        return await got

    heard = peers.run(sent())
    assert isinstance(heard, MessageReceived)
    return heard


class Raju(NamedTuple):
    """Raju's page, which wants notifications, and his desk; Ravi, and their chat."""

    page: Page
    desk: ChatClient
    ravi: str
    python: ChatClient  # Ravi's
    chat: str


@pytest.fixture
def raju(phone: PushedBrowser, peers: Peers) -> Raju:
    suffix = secrets.token_hex(3)
    ravi, raju = f"ravi_{suffix}", f"raju_{suffix}"
    page = phone.open()
    create_account(page, raju)
    wants_notifications(page)
    phone.look_on()
    python, desk = peers.connect(ravi), peers.connect(raju, "desk")
    peers.run(desk.people.add(ravi))
    return Raju(page, desk, ravi, python, peers.run(python.chats.direct(raju)))


def test_a_closed_page_shows_what_was_written_and_forgets_what_was_read_elsewhere(
    phone: PushedBrowser, peers: Peers, raju: Raju
) -> None:
    page, ravi, python, desk, chat = raju.page, raju.ravi, raju.python, raju.desk, raju.chat
    page.close()

    # a text rings; it is shown decrypted, and its sender sees that it was delivered
    heard = arrives(peers, python, chat, "Hey Raju!", desk)
    push = phone.deliver()
    assert set(push) == {"chat_id", "message_id", "unread"}
    phone.wait_for((ravi, "Hey Raju!"))
    assert [each["tag"] for each in phone.shown()] == [chat]

    # the next one takes its place, and what is read on another device goes
    heard = arrives(peers, python, chat, "Are you there?", desk)
    phone.deliver()
    phone.wait_for((ravi, "Hey Raju!\nAre you there?"))
    peers.call(lambda: desk.messages.mark_read(chat, heard.seq))
    assert set(phone.deliver()) == {"chat_id", "read", "unread"}
    phone.wait_for()

    # what the worker has fetched is in the page, which closes what it shows itself
    arrives(peers, python, chat, "One more", desk)
    phone.deliver()
    phone.wait_for((ravi, "One more"))
    page = phone.open(f"/#/chat/{chat}")
    expect(page.get_by_role("log").get_by_text("One more")).to_be_visible()
    phone.wait_for()


def test_a_click_on_a_notification_leads_the_open_page_to_its_chat(
    phone: PushedBrowser, peers: Peers, raju: Raju
) -> None:
    page, ravi, python, desk, chat = raju.page, raju.ravi, raju.python, raju.desk, raju.chat
    page.close()
    arrives(peers, python, chat, "Hey Raju!", desk)
    phone.deliver()
    phone.wait_for((ravi, "Hey Raju!"))
    page = phone.open("/#/settings")
    expect(page.get_by_label("Read receipts")).to_be_visible()
    phone.click()
    expect(page.get_by_role("log").get_by_text("Hey Raju!")).to_be_visible()
    assert page.url.endswith(f"#/chat/{chat}")
    phone.wait_for()


def test_a_page_that_is_open_holds_the_device_and_the_push_still_shows_something(
    phone: PushedBrowser, peers: Peers, raju: Raju
) -> None:
    page, python, desk, chat = raju.page, raju.python, raju.desk, raju.chat
    page.evaluate("location.hash = '#/'")
    phone.context.set_offline(True)  # its connection is lost, and it does not know
    arrives(peers, python, chat, "Hey Raju!", desk)
    phone.deliver()
    phone.wait_for(FALLBACK)


def test_the_page_opens_without_a_network_and_shows_what_was_written(
    phone: PushedBrowser, peers: Peers
) -> None:
    suffix = secrets.token_hex(3)
    ravi, raju = f"ravi_{suffix}", f"raju_{suffix}"
    page = phone.open()
    create_account(page, raju)
    page.evaluate("navigator.serviceWorker.ready")
    python, desk = peers.connect(ravi), peers.connect(raju, "desk")
    peers.run(desk.people.add(ravi))  # else it would be a stranger's request
    chat = peers.run(python.chats.direct(raju))
    peers.run(python.send(chat, "before the tunnel"))
    expect(page.get_by_text("before the tunnel").first).to_be_visible()
    phone.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("before the tunnel").first).to_be_visible()
