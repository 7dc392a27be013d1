"""The web client's page in a headless Chromium: its size, its start, and scrolling through a long
conversation."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, sync_playwright

from bench.local_system import fresh_directory, running
from bench.table import Row, within
from lambdas.api.page import FOLDER, read_page
from tests.support.chromium import FLAGS
from tests.support.peers import Peers
from tests.support.running_system import PASSWORD
from tests.support.web_app import FILL, People, write_to
from tools.chromium import chromium

STARTS, MESSAGES, SCREENS = 5, 10_000, 200
WAITING = (1_000, 5_000)  # messages that came while the page was closed
EACH_LIMIT = 10  # ms for each of them
SIZE_LIMIT, START_LIMIT, TASK_LIMIT = 200, 1_000, 50  # kB, ms, ms

# When somebody could type, in ms since the navigation began.
READY = """() => new Promise((done) => {
  const look = () => document.activeElement?.matches('textarea')
    ? done(performance.now()) : requestAnimationFrame(look);
  look();
})"""
# When the page shows that it is connected and has so many messages, in ms likewise.
THERE = """(count) => new Promise((done) => {
  const look = () => {
    const session = document.querySelector('switchboard-app')?.ui?.session;
    const all = session?.chats.some(({ watermark }) => watermark >= count);
    if (all && session.link.at === 'connected') done(performance.now());
    else setTimeout(look, 5);
  };
  look();
})"""
# Scrolls up by screens, one in each frame; the longest task (of 50 ms or more) and frame, in ms.
SCROLL = """async (screens) => {
  const log = document.querySelector('[role=log]');
  const tasks = [0];
  const observer = new PerformanceObserver((list) =>
    tasks.push(...list.getEntries().map((each) => each.duration)));
  observer.observe({ type: 'longtask' });
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  let before = await frame();
  let longest = 0;
  for (let at = 0; at < screens; at++) {
    log.scrollTop -= log.clientHeight;
    const now = await frame();
    longest = Math.max(longest, now - before);
    before = now;
  }
  await new Promise((done) => setTimeout(done, 200));
  observer.disconnect();
  return { task: Math.max(...tasks), frame: longest };
}"""


def rows() -> list[Row]:
    program = chromium()
    if program is None:
        return [Row("the page", "not measured: no Chromium here, or named in CHROMIUM")]
    if not read_page():
        return [Row("the page", "not measured: run `make page` first")]
    with _people(program) as people:
        raju = people.signed_up("raju")
        loaded: list[str] = []
        context = people.browser()
        context.on("request", lambda request: loaded.extend(_of_the_page(request)))
        people.page(context).get_by_label("User name").wait_for()
        page = people.signed_up("ravi")
        write_to(page, "raju")
        starts = [_start(page) for _ in range(STARTS)]
        scrolled = _scrolled(page)
        few, many = _caught_up(page, people.address)
        raju.close()
    size = _first_load(loaded) / 1000
    return [
        within("first load, gzip, besides libolm's wasm", size, SIZE_LIMIT, "kB", ".0f"),
        *_start_rows(starts),
        *_scroll_rows(scrolled),
        *_catch_up_rows(few, many),
    ]


def _start_rows(starts: Sequence[float]) -> list[Row]:
    return [
        within(
            f"ready to type after a reload, an open chat, the slowest of {STARTS}",
            max(starts),
            START_LIMIT,
            "ms",
            ".0f",
        ),
        Row("the same, the median", f"{statistics.median(starts):.0f} ms"),
    ]


def _scroll_rows(scrolled: Mapping[str, float]) -> list[Row]:
    return [
        within(
            f"{MESSAGES:,} messages, {SCREENS} screens scrolled: the longest task of 50 ms or more",
            scrolled["task"],
            TASK_LIMIT,
            "ms",
            ".0f",
        ),
        Row("the same, the longest frame", f"{scrolled['frame']:.0f} ms"),
    ]


def _catch_up_rows(few: float, many: float) -> list[Row]:
    """`few` and `many`: ms, with as many messages as WAITING has."""
    return [
        Row(
            f"opened, connected and complete: {WAITING[0]:,} / {WAITING[1]:,} messages waited",
            f"{few:.0f} ms / {many:.0f} ms",
        ),
        within(
            "the same, for each further message",
            (many - few) / (WAITING[1] - WAITING[0]),
            EACH_LIMIT,
            "ms",
            ".2f",
        ),
    ]


@contextmanager
def _people(program: str) -> Iterator[People]:
    with (
        fresh_directory() as directory,
        running(directory) as system,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=FLAGS) as browser,
    ):
        people = People(browser, system.endpoints["page"])
        yield people
        people.close()


def _of_the_page(request: Request) -> list[str]:
    """The path; none of what the service worker stores for later, after the page has started."""
    return [] if request.service_worker else [urlsplit(request.url).path]


def _first_load(paths: list[str]) -> int:
    """Bytes of the page's own files that were asked for, as packed with gzip where that helps."""
    total = 0
    for name in {path.removeprefix("/") or "index.html" for path in paths}:
        packed, plain = FOLDER / f"{name}.gzip", FOLDER / name
        if not name.endswith(".wasm") and plain.is_file():
            total += (packed if packed.exists() else plain).stat().st_size
    return total


def _start(page: Page) -> float:
    page.reload(wait_until="commit")
    ready: float = page.evaluate(READY)
    return ready


def _caught_up(page: Page, address: str) -> list[float]:
    """Milliseconds until all is there that was written while no page was open."""
    times, before = [], 0
    with TemporaryDirectory() as folder:
        peers = Peers(address.rstrip("/"), Path(folder), PASSWORD)
        meena = peers.connect("meena")
        peers.run(meena.people.add("ravi"))
        write_to(page, "meena")
        chat = peers.run(meena.chats.direct("ravi"))
        for count in WAITING:
            page.goto("about:blank")
            for number in range(count):
                peers.run(meena.send(chat, f"message {number} {'x' * 20}"))
            while peers.call(lambda: meena.messages.unaccepted):
                time.sleep(0.1)
            page.goto(address, wait_until="commit")
            before += count
            times.append(page.evaluate(THERE, before))
        peers.close()
    return times


def _scrolled(page: Page) -> dict[str, float]:
    page.evaluate(FILL, {"first": 1, "count": MESSAGES, "complete": True})
    page.get_by_role("log").evaluate("(log) => { log.scrollTop = log.scrollHeight; }")
    found: dict[str, float] = page.evaluate(SCROLL, SCREENS)
    return found
