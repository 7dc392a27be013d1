"""The page as the running system's load balancer serves it, in a real browser."""

import asyncio
from typing import Any

import httpx
import pytest
from playwright.async_api import Response, async_playwright

from tests.support.chromium import FLAGS, chromium_or_skip
from tests.support.running_system import WITHIN
from tests.support.web_app import WITHIN_MS

pytestmark = pytest.mark.xdist_group("story")


def test_a_browser_gets_the_page_from_the_balancer_and_complains_about_nothing(
    endpoints: dict[str, Any],
) -> None:
    program = chromium_or_skip()

    async def story() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
            page = await browser.new_page()
            page.set_default_timeout(WITHIN_MS)
            complaints: list[str] = []
            came: list[Response] = []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("response", lambda response: came.append(response))
            await page.goto(endpoints["page"], wait_until="networkidle")
            await page.evaluate("document.fonts.ready")
            inline = "document.body.append(Object.assign(document.createElement('script'), "
            await page.evaluate(f"{inline}{{text: 'window.inline = true'}}))")
            assert await page.evaluate("window.inline") is None
            await browser.close()
        all_from(came, endpoints["api"])
        breach, *others = complaints
        assert "Content Security Policy" in breach
        assert others == []

    asyncio.run(asyncio.wait_for(story(), 60))


def all_from(came: list[Response], api: str) -> None:
    assert {response.status for response in came} == {200}
    assert {response.url.startswith(f"{api}/") for response in came} == {True}
    for response in came:
        assert "content-security-policy" in response.headers
        if "/assets/" in response.url:
            assert response.headers["cache-control"].endswith("immutable")


def test_the_containers_serve_it_and_a_missing_asset_is_no_page(
    endpoints: dict[str, Any],
) -> None:
    with httpx.Client(base_url=endpoints["api"], trust_env=False, timeout=WITHIN) as http:
        shell = http.get("/", headers={"accept-encoding": "br"})
        missing = http.get("/assets/index-of-yesterday.js")
    assert (shell.status_code, shell.headers["content-encoding"]) == (200, "br")
    assert shell.headers["x-served-by"].startswith("small/")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/json")
