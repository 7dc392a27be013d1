"""The speed of the browser's core at encrypting and decrypting, in a headless Chromium."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from bench.table import Row
from tests.support.typescript_client import WEB
from tests.support.web_page import browser, build, opened
from tools.chromium import chromium

# Nothing listens there, and nothing is asked: the page is all there is.
ORIGIN = "http://127.0.0.1:1"


def rows() -> list[Row]:
    program = chromium()
    if program is None:
        return [Row("in the browser", "not measured: no Chromium here, or named in CHROMIUM")]
    if not (WEB / "node_modules").is_dir():
        return [Row("in the browser", "not measured: run `make web` first")]
    measured = asyncio.run(_measured(program))
    rates = [Row(each["what"], f"{each['rate']:,.0f} a second") for each in measured["rates"]]
    sizes = [
        Row(
            each["what"],
            f"{each['frame']:,} bytes, {each['frame'] - each['text']:,} beside the text",
        )
        for each in measured["sizes"]
    ]
    return rates + sizes


async def _measured(program: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        files = build(Path(folder) / "page")
        async with browser(program, Path(folder) / "profile", files) as context:
            page = await opened(context, ORIGIN)
            found: dict[str, Any] = await page.evaluate("() => switchboard.measure()")
            return found
