"""The Chromium of every test in a real browser, and how it is started."""

from __future__ import annotations

import os

import pytest

from tools.chromium import NAMES, chromium

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


def chromium_or_skip() -> str:
    """Without one the test is skipped, or fails where SWITCHBOARD_REQUIRE_BROWSER is 1, as in CI."""
    program = chromium()
    if program is not None:
        return program
    reason = f"no Chromium: install one of {', '.join(NAMES)}, or name it in CHROMIUM"
    if os.environ.get("SWITCHBOARD_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
