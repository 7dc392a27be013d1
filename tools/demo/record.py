"""The tour as a film and as pictures, for the README. Playwright drives the machine's Chromium."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from emulator.providers import EmulatorError

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
FILM, PICTURE, PHONES = "demo.webm", "demo.png", "demo-390.png"
SIZE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
STEPS = 5
PICTURED = 2  # the step that the picture shows: the notification on the lock screen
STEP_MS = 60_000  # the dead connection is noticed after some 20 s
READING_MS = 2_500  # a step stays on the screen so long, for who watches
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium() -> str:
    """Where it is: CHROMIUM names it. Raises EmulatorError where there is none."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [shutil.which(name) for name in NAMES]
    program = next((path for path in found if path and Path(path).is_file()), None)
    if program is None:
        raise EmulatorError("a film needs Chromium: install it, or name it in CHROMIUM")
    return program


async def record(url: str) -> None:
    """Writes the film and the pictures of the tour at `url`."""
    program = chromium()
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        with tempfile.TemporaryDirectory() as folder:
            context = await browser.new_context(
                viewport=SIZE,  # type: ignore[arg-type]
                color_scheme="dark",
                record_video_dir=folder,
                record_video_size=SIZE,  # type: ignore[arg-type]
            )
            page = await context.new_page()
            await page.goto(url)
            await _take(page)
            await context.close()
            (film,) = Path(folder).glob("*.webm")
            shutil.copyfile(film, PICTURES / FILM)
        await browser.close()
    for name in (FILM, PICTURE, PHONES):
        print(f"{PICTURES / name}: {(PICTURES / name).stat().st_size // 1024} KB", flush=True)


async def _take(page: Page) -> None:
    following = page.locator(".tour-next")
    for step in range(1, STEPS + 1):
        await following.click()
        await expect(page.locator(".tour-now")).to_have_attribute(
            "data-kind", "seen", timeout=STEP_MS
        )
        await page.wait_for_timeout(READING_MS)
        if step == PICTURED:
            await page.screenshot(path=PICTURES / PICTURE)
            await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            await page.screenshot(path=PICTURES / PHONES, full_page=True)
            await page.set_viewport_size(SIZE)  # type: ignore[arg-type]
    await following.click()
    await page.wait_for_timeout(READING_MS)
