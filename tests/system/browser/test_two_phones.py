"""The demonstration in Chromium: its tour to the end, what can be broken, and what stays true."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from emulator.runtime.endpoints import parsed
from lambdas.api import page as built
from tests.support.running_system import WITHIN
from tests.support.web_app import WITHIN_MS, complaint
from tools.demo.__main__ import serving

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]

LAMPS = ("once", "order", "secret")
SENT = ("encrypted", "accepted", "stored", "presence")
ONLINE = (*SENT, "posted", "decrypted", "delivered", "read")
PUSHED = ("queued", "notification", "push")
AWAY = (*SENT, *PUSHED, "woken", "fetched", "decrypted", "delivered")
# What a browser remarks on when a phone has no network.
WITHOUT_NETWORK = ("Failed to load resource: net::ERR_", "WebSocket connection to")


@pytest.fixture(scope="module")
def users() -> tuple[str, str]:
    suffix = secrets.token_hex(3)
    return f"ravi_{suffix}", f"raju_{suffix}"


@pytest.fixture(scope="module")
def url(endpoints: dict[str, Any], users: tuple[str, str]) -> Iterator[str]:
    """The demonstration of the shared system, which runs in a thread of its own."""
    assert built.read_page(), "there is no page yet: run `make page`"
    loop, stack = asyncio.new_event_loop(), AsyncExitStack()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(WITHIN)

    yield run(stack.enter_async_context(serving(parsed(endpoints), 0, users)))
    run(stack.aclose())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def page(browser: Browser, url: str) -> Iterator[Page]:
    """One visit of all scenes: they go on where the one before has ended."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    page.set_default_timeout(WITHIN_MS)
    page.clock.install()  # so that a scene can let the seconds pass that an app waits for
    page.on("console", lambda message: complaints.extend(complaint(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    yield page
    page.close()
    assert [each for each in complaints if not each.startswith(WITHOUT_NETWORK)] == []


def phone(page: Page, who: str) -> FrameLocator:
    return page.frame_locator(f'iframe[title="{who}\'s phone"]')


def switch(page: Page, side: str, name: str) -> Locator:
    return page.locator(f"#{side} .breaks").get_by_role("button", name=name)


def send(page: Page, who: str, text: str) -> None:
    box = phone(page, who).get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")


def lit(page: Page, *steps: str) -> None:
    """Those steps of the last message have been seen, with their times; and no other ones."""
    for step in steps:
        item = page.locator(f'.path [data-step="{step}"]')
        expect(item).to_have_class(re.compile(r"\blit\b"))
        expect(item.locator("time")).to_contain_text("s")
    assert page.locator(".path li.lit:has(time:empty)").count() == 0


def green(page: Page) -> None:
    for lamp in LAMPS:
        expect(page.locator(f'[data-lamp="{lamp}"]')).to_have_attribute("data-green", "true")


def reconnects(page: Page, who: str) -> None:
    """Without the pause before the next attempt, which is a minute at most."""
    link = phone(page, who).locator(".link-bar")
    expect(link).to_have_class(re.compile("link-(waiting|connected)"))
    page.clock.fast_forward(61_000)
    expect(link).to_have_class(re.compile("link-connected"))


def forward(page: Page) -> None:
    """The tour's next step, by the keyboard: its button keeps the focus."""
    following = page.locator(".tour-next")
    expect(following).to_be_focused()
    expect(following).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Enter")


def seen(page: Page) -> None:
    expect(page.locator(".tour-now")).to_have_attribute("data-kind", "seen")
    green(page)


def test_the_tour_can_be_followed_to_its_end_by_the_keyboard(page: Page) -> None:
    page.locator(".tour-next").focus()
    forward(page)
    seen(page)
    lit(page, *ONLINE)

    forward(page)  # the app is closed
    seen(page)
    lit(page, *AWAY)
    note = page.get_by_role("log", name="Notifications").get_by_role("button")
    expect(note).to_have_text("Ravi: Are you coming tonight?")

    forward(page)  # it is opened
    seen(page)
    lit(page, "read")

    forward(page)  # a connection is dead, and nobody noticed
    expect(page.locator(".path-of")).to_contain_text("1 on a dead connection")
    page.clock.fast_forward(
        8_500
    )  # no answer: it is sent again, and the app asks for a sign of life
    page.clock.fast_forward(10_500)  # there is none
    seen(page)
    lit(page, *ONLINE)
    expect(page.locator(".path-of")).to_contain_text("as the same message")

    forward(page)  # the load balancer
    seen(page)
    expect(page.locator(".tour-now")).to_contain_text("was killed and replaced")
    expect(page.frame_locator("#balancer iframe").get_by_text("live", exact=True)).to_be_visible()
    forward(page)
    expect(page.get_by_role("heading", name="That was all of it")).to_be_visible()


def test_without_a_network_texts_wait_and_a_push_comes_when_there_is_one_again(page: Page) -> None:
    page.get_by_role("tab", name="Message").click()
    switch(page, "left", "Lose network").click()
    send(page, "Ravi", "written without a network")
    waiting = phone(page, "Ravi").get_by_role("article", name=re.compile("written without"))
    expect(waiting).not_to_have_attribute("aria-label", re.compile("delivered"))
    switch(page, "right", "Close app").click()
    switch(page, "right", "Lose network").click()

    switch(page, "left", "Restore network").click()
    reconnects(page, "Ravi")
    lit(page, *SENT, *PUSHED)
    expect(page.get_by_role("log", name="Notifications").get_by_role("button")).to_have_count(0)

    switch(page, "right", "Restore network").click()
    note = page.get_by_role("log", name="Notifications").get_by_role("button")
    expect(note).to_have_text("Ravi: written without a network")
    lit(page, *AWAY)
    note.click()
    row = phone(page, "Raju").get_by_role("article", name=re.compile("written without a network"))
    expect(row).to_have_count(1)
    row.click()  # somebody looks at it
    lit(page, "read")
    green(page)


def test_a_wrong_clock_changes_the_times_that_a_phone_shows_and_nothing_else(page: Page) -> None:
    switch(page, "right", "Clock + 1 day").click()
    expect(switch(page, "right", "Clock + 1 day")).to_have_attribute("aria-pressed", "true")
    expect(phone(page, "Raju").get_by_role("log").get_by_text("Yesterday")).to_be_visible()
    expect(phone(page, "Raju").locator(".link-connected")).to_be_attached()
    send(page, "Ravi", "what day is it?")
    row = phone(page, "Raju").get_by_role("article", name=re.compile("what day is it"))
    expect(row).to_have_count(1)
    row.click()
    lit(page, *ONLINE)
    green(page)


def test_a_step_shows_what_it_carried_its_log_line_and_its_code(page: Page) -> None:
    page.locator('.path [data-step="stored"] button').click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".detail-carried")).to_contain_text('"olm.v1"')
    expect(dialog).not_to_contain_text("what day is it")
    expect(dialog.locator(".detail-log")).to_contain_text('"message":"accepted"')
    expect(dialog.locator(".detail-path")).to_contain_text("lambdas/messages/append.py")
    dialog.get_by_role("button", name="Close").click()


def test_it_fits_a_narrow_window(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_only_its_own_page_may_give_orders(page: Page, url: str, users: tuple[str, str]) -> None:
    phones = [
        str(page.get_by_title(f"{who}'s phone").get_attribute("src")) for who in ("Ravi", "Raju")
    ]
    asks = httpx.Client(timeout=WITHIN)
    order, origin = {"network": "lost"}, str(httpx.URL(url).join("/")).rstrip("/")
    assert asks.get(origin).status_code == 403
    assert asks.post(f"{origin}/phones/{users[0]}", json=order).status_code == 403
    for foreign in ("http://evil.example", phones[0].rstrip("/")):
        answer = asks.post(f"{url}phones/{users[0]}", json=order, headers={"Origin": foreign})
        assert answer.status_code == 403
    for address in phones:
        answer = asks.post(f"{address}api/sign-in", json={}, headers={"Origin": origin})
        assert answer.status_code == 403
        assert asks.get(address, headers={"Host": "evil.example"}).status_code == 403
