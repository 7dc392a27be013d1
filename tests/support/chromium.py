"""Where this machine's Chromium is, for every test and benchmark in a real browser. Its program comes
with the machine: nothing is fetched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ON_MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # a microphone that beeps, for whoever asks
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


def chromium() -> str | None:
    """CHROMIUM names it; otherwise what the machine has."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [*map(shutil.which, NAMES), *ON_MACOS]
    return next((path for path in found if path and Path(path).is_file()), None)


def chromium_or_skip() -> str:
    """Without one the test is skipped, or fails where SWITCHBOARD_REQUIRE_BROWSER is 1, as in CI."""
    program = chromium()
    if program is not None:
        return program
    reason = f"no Chromium: install one of {', '.join(NAMES)}, or name it in CHROMIUM"
    if os.environ.get("SWITCHBOARD_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
