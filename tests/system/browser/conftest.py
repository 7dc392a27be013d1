"""A real browser in front of the console, and people in front of the web client's page."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lambdas.api.page import FOLDER, read_page
from tests.support.chromium import FLAGS, chromium_or_skip
from tests.support.peers import Peers
from tests.support.running_system import PASSWORD
from tests.support.web_app import WITHIN_MS, People, TwoPeople, befriend, complaint, write_to
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
        page.set_default_timeout(WITHIN_MS)
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


# -- in front of the page


@pytest.fixture
def peers(endpoints: dict[str, Any], tmp_path: Path) -> Iterator[Peers]:
    there = Peers(endpoints["api"], tmp_path, PASSWORD)
    yield there
    there.close()


@pytest.fixture
def names() -> Callable[[str], str]:
    suffix = secrets.token_hex(3)
    return lambda who: f"{who}_{suffix}"


@pytest.fixture
def people(browser: Browser, endpoints: dict[str, Any]) -> Iterator[People]:
    assert read_page(), f"{FOLDER} has no page yet: run `make page`"
    there = People(browser, endpoints["page"])
    yield there
    there.close()
    # The browser remarks on a response with status 5xx by itself. On a busy machine a function or a
    # target may not answer within its time limits, which is 502 or 504; the page asks again, or
    # tells its user.
    excused = ["Failed to load resource: the server responded with a status of 5"]
    excused += ["Failed to load resource: net::ERR_FAILED"] if there.may_be_offline else []
    complaints = [each for each in there.complaints if not each.startswith(tuple(excused))]
    # A connection that a tab no longer wants is closed while it still opens.
    unwanted = "WebSocket is closed before the connection is established."
    assert [each for each in complaints if not each.endswith(unwanted)] == [], complaints


@pytest.fixture
def two_people(people: People, peers: Peers, names: Callable[[str], str]) -> TwoPeople:
    ravi, raju = names("ravi"), names("raju")
    python = peers.connect(raju)
    page = people.signed_up(ravi)
    befriend(peers, python, ravi)
    write_to(page, raju)
    return TwoPeople(ravi, raju, page, python)
