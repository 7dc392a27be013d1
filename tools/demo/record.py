"""The tour as a film and as pictures, for the README. Playwright drives the machine's Chromium."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, ViewportSize, async_playwright, expect

from emulator.providers import EmulatorError
from tools.chromium import chromium
from tools.demo.film import Frame, animated

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
FILM, PHONES = "demo.png", "demo-390.png"
SIZE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
STEPS = 5
ON_THE_LOCK_SCREEN = 2  # the step that the picture of a narrow window shows
STEP_MS = 60_000  # the dead connection is noticed after some 20 s
LIT_MS = 3_000  # the path lights up in slow motion, which nothing else waits for
MOMENT_MS = 1_200  # for what is under way, and
READING_MS = 4_500  # for what is there


def program() -> str:
    """Where Chromium is. Raises EmulatorError where there is none."""
    found = chromium()
    if found is None:
        raise EmulatorError("a film needs Chromium: install it, or name it in CHROMIUM")
    return found


async def record(url: str) -> None:
    """Writes the film and the picture of the tour at `url`."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport=SIZE, color_scheme="dark")
        await page.goto(url)
        (PICTURES / FILM).write_bytes(animated(await _take(page)))
        await browser.close()
    for name in (FILM, PHONES):
        print(f"{PICTURES / name}: {(PICTURES / name).stat().st_size // 1024} KB", flush=True)


async def _take(page: Page) -> list[Frame]:
    following, status = page.locator(".tour-next"), page.locator(".tour-now")
    await page.locator(".tour-next").wait_for()
    frames: list[Frame] = []
    for step in range(1, STEPS + 1):
        await following.click()
        if step < STEPS:  # of the last step, both is in one picture
            await page.locator('.path [data-step="encrypted"].lit').wait_for()
            frames.append(Frame(await page.screenshot(), MOMENT_MS))
        await expect(status).to_have_attribute("data-kind", "seen", timeout=STEP_MS)
        await page.wait_for_timeout(LIT_MS)
        frames.append(Frame(await page.screenshot(), READING_MS))
        if step == ON_THE_LOCK_SCREEN:
            await page.set_viewport_size(PHONE)
            await page.screenshot(path=PICTURES / PHONES, full_page=True)
            await page.set_viewport_size(SIZE)
    return frames
