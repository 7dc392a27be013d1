"""The web client's page in a headless Chromium: its size, its start, and scrolling through a long
conversation."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from bench.local_system import fresh_directory, running
from bench.table import Row, within
from lambdas.api.page import FOLDER, read_page
from tests.support.chromium import FLAGS, chromium
from tests.support.web_app import FILL, People, write_to

STARTS, MESSAGES, SCREENS = 5, 10_000, 200
SIZE_LIMIT, START_LIMIT, TASK_LIMIT = 200, 1_000, 50  # kB, ms, ms

# When somebody could type, in ms since the navigation began.
READY = """() => new Promise((done) => {
  const look = () => document.activeElement?.matches('textarea')
    ? done(performance.now()) : requestAnimationFrame(look);
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
        context.on("request", lambda request: loaded.append(urlsplit(request.url).path))
        people.page(context).get_by_label("User name").wait_for()
        page = people.signed_up("ravi")
        write_to(page, "raju")
        starts = [_start(page) for _ in range(STARTS)]
        scrolled = _scrolled(page)
        raju.close()
    size = _first_load(loaded) / 1000
    return [
        within("first load, gzip, besides libolm's wasm", size, SIZE_LIMIT, "kB", ".0f"),
        within(
            f"ready to type after a reload, an open chat, the slowest of {STARTS}",
            max(starts),
            START_LIMIT,
            "ms",
            ".0f",
        ),
        Row("the same, the median", f"{statistics.median(starts):.0f} ms"),
        within(
            f"{MESSAGES:,} messages, {SCREENS} screens scrolled: the longest task of 50 ms or more",
            scrolled["task"],
            TASK_LIMIT,
            "ms",
            ".0f",
        ),
        Row("the same, the longest frame", f"{scrolled['frame']:.0f} ms"),
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


def _scrolled(page: Page) -> dict[str, float]:
    page.evaluate(FILL, {"first": 1, "count": MESSAGES, "complete": True})
    page.get_by_role("log").evaluate("(log) => { log.scrollTop = log.scrollHeight; }")
    found: dict[str, float] = page.evaluate(SCROLL, SCREENS)
    return found
