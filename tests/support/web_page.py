"""The TypeScript client in a real browser: Chromium with the page of web/check."""

from __future__ import annotations

import mimetypes
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page, Route, async_playwright

from tests.support.chromium import FLAGS
from tests.support.running_system import WITHIN
from tests.support.typescript_client import NODE, WEB

PAGE = "/check/"


def build(to: Path) -> Path:
    """The built page, in the folder `to`."""
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    assert vite.is_file(), "web/ has no dependencies yet: run `make web`"
    command = [str(NODE), str(vite), "build", "check", "--config", "vite.config.ts"]
    command += ["--outDir", str(to)]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return to


@asynccontextmanager
async def browser(program: str, profile: Path, files: Path) -> AsyncIterator[BrowserContext]:
    """A browser whose state is in `profile`; `files` is what `build` gave.

    Any origin has the page at PAGE, as the load balancer will have it: so the page may call the
    API that it comes from.
    """

    async def serve(route: Route) -> None:
        name = urlsplit(route.request.url).path.removeprefix(PAGE) or "index.html"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        await route.fulfill(path=files / name, content_type=kind)

    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=program, args=FLAGS
        )
        # The page comes from nowhere for Chromium, and such a one may not call this machine. The
        # real one comes from the load balancer, which is on this machine.
        await context.grant_permissions(["local-network-access"])
        await context.route(f"**{PAGE}**", serve)
        context.set_default_timeout(WITHIN * 1_000)
        try:
            yield context
        finally:
            await context.close()


async def opened(context: BrowserContext, origin: str) -> Page:
    """A tab with the page, ready."""
    page = await context.new_page()
    await page.goto(origin + PAGE)
    await page.wait_for_function("() => window.switchboard !== undefined")
    return page
