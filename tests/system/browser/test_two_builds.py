"""A deployment while a tab is open, in Chromium: the old page goes on with its own files, the new one
comes when its user wants it, and a worker that does harm is removed."""

from __future__ import annotations

import mimetypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.http_server import QuietHandler, serving
from tests.support.typescript_client import NODE, WEB
from tests.support.web_app import WITHIN_MS

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.deep]

BUILT = WEB / "dist" / "app"
STATUS = "async (path) => (await fetch(path)).status"
GONE = """async () => {
  const until = Date.now() + 10_000;
  for (let quiet = 0; quiet < 10; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    quiet = (await navigator.serviceWorker.getRegistrations()).length === 0 ? quiet + 1 : 0;
    if (Date.now() > until) return "it is still there";
  }
  return caches.keys();
}"""
UPDATED = """async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  await registration.update();
  const worker = registration.installing ?? registration.waiting;
  while (worker?.state === "installing") {
    await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }));
  }
  return [registration.active?.state, registration.waiting?.state];
}"""


class Site:
    """A server of one folder, which a deployment replaces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        site = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                name = urlsplit(self.path).path.removeprefix("/") or "index.html"
                file = site.folder / name
                found = file.is_file()
                body = file.read_bytes() if found else b""
                self.send_response(200 if found else 404)
                kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
                self.send_header("Content-Type", kind)
                self.send_header("Cache-Control", "no-cache")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    assert BUILT.is_dir(), "the page is not built yet: run `make page`"
    there = Site(BUILT)
    with serving(there.server):
        yield there


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A tab with the first build, whose worker has everything."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(WITHIN_MS)
    page.goto(site.url)
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    yield page
    context.close()


def script_of(folder: Path) -> str:
    (script,) = (folder / "assets").glob("index-*.js")
    return script.name


def next_build(to: Path, **environment: str) -> Path:
    """The same page with a script of another name, as a change of its content gives it."""
    shutil.copytree(BUILT, to)
    old = script_of(to)
    (to / "assets" / old).rename(to / "assets" / "index-next.js")
    shell = to / "index.html"
    shell.write_text(shell.read_text().replace(old, "index-next.js"))
    (to / "worker.js").unlink()
    command = [str(NODE), "build/worker.ts", str(to)]
    made = {**os.environ, **environment}
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, env=made)
    assert done.returncode == 0, done.stderr
    return to


def test_a_tab_with_the_old_page_goes_on_until_its_user_wants_the_new_one(
    page: Page, site: Site, tmp_path: Path
) -> None:
    old = f"/assets/{script_of(BUILT)}"
    site.folder = next_build(tmp_path / "next")
    assert page.evaluate(UPDATED) == ["activated", "installed"]

    # it waits: the old shell and the old script are there, also after a reload
    page.reload()
    expect(page.get_by_role("button", name="Create account")).to_be_visible()
    assert page.evaluate(STATUS, old) == 200
    assert old.removeprefix("/") in page.content()

    # and takes over when it is chosen
    page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.getRegistration();
          const changed = new Promise((resolve) =>
            navigator.serviceWorker.addEventListener("controllerchange", resolve));
          registration.waiting.postMessage({ type: "update" });
          await changed;
        }"""
    )
    assert page.evaluate(STATUS, old) == 200  # a tab that was not loaded again still has its own
    page.reload()
    expect(page.get_by_role("button", name="Create account")).to_be_visible()
    assert "assets/index-next.js" in page.content()
    assert page.evaluate(STATUS, "/assets/index-of-nobody.js") == 404


def test_a_deployment_that_lacks_a_file_changes_nothing(
    page: Page, site: Site, tmp_path: Path
) -> None:
    site.folder = next_build(tmp_path / "next")
    (site.folder / "assets" / "index-next.js").unlink()
    assert page.evaluate(UPDATED) == ["activated", None]
    page.reload()
    expect(page.get_by_role("button", name="Create account")).to_be_visible()


def test_a_worker_that_does_harm_is_replaced_by_one_that_removes_itself(
    page: Page, site: Site, tmp_path: Path
) -> None:
    site.folder = next_build(tmp_path / "next", WORKER="off")
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    with page.expect_event("load"):
        page.evaluate(
            """async () => {
              await (await navigator.serviceWorker.getRegistration()).update();
            }"""
        )
    expect(page.get_by_role("button", name="Create account")).to_be_visible()
    assert "assets/index-next.js" in page.content()
    # the page registers it again, it removes itself again, and the page is not loaded once more
    assert page.evaluate(GONE) == []
    assert len(loads) == 1
