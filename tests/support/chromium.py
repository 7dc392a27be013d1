"""The Chromium of every test in a real browser, and how it is started."""

from __future__ import annotations

import os

import pytest

from tools.chromium import HEADLESS, NAMES, chromium, headless

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


def chromium_or_skip(*, notifies: bool = False) -> str:
    """Without one the test is skipped, or fails where SWITCHBOARD_REQUIRE_BROWSER is 1, as in CI.

    Only the whole Chromium shows notifications."""
    program = chromium() if notifies else headless()
    if program is not None:
        return program
    names = NAMES if notifies else (HEADLESS, *NAMES)
    reason = f"no Chromium: install one of {', '.join(names)}, or name it in CHROMIUM"
    if os.environ.get("SWITCHBOARD_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
