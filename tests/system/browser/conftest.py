"""A real browser in front of the console."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support.chromium import FLAGS, chromium_or_skip
from tests.system.browser.fake_system import FakeSystem

WIDE = (1360, 900)

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: as long as it is there, asyncio.run refuses to run beside it. For
    the same reason all tests of a module are in one group, or workers would mix them with others.
    """
    program = chromium_or_skip()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def fake() -> Iterator[FakeSystem]:
    system = FakeSystem()
    system.start()
    yield system
    system.stop()


def complaint(message: ConsoleMessage) -> list[str]:
    """A breach of the content security policy is a message of the type error as well. That an
    order was refused the page says in words; the browser remarks on it by itself."""
    refused = "Failed to load resource: the server responded with a status of 4"
    if message.type not in ("error", "warning") or message.text.startswith(refused):
        return []
    return [message.text]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """`opened(url, width=, height=, scheme=)`: the page, after its first look at the state. In the
    end it must have complained about nothing and asked nobody else."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_page(
        url: str, width: int = WIDE[0], height: int = WIDE[1], scheme: str = "light"
    ) -> Page:
        page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        pages.append(page)
        page.on("console", lambda message: complaints.extend(complaint(message)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((f"{url}/", "data:"))
                else complaints.append(f"asked for {request.url}")
            ),
        )
        page.goto(f"{url}/_local")
        page.get_by_text("live", exact=True).wait_for()
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []
