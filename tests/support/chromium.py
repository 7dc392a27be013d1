"""The Chromium of every test in a real browser, and how it is started."""

from __future__ import annotations

import os
import shutil

import pytest

from tools.chromium import NAMES, chromium

# Debian's package of that name: a page costs a fifth of the CPU that it costs Chromium, which makes
# a window for each also where nobody sees it.
HEADLESS = "chromium-headless-shell"

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
    program = None if "CHROMIUM" in os.environ else shutil.which(HEADLESS)
    program = program or chromium()
    if program is not None:
        return program
    reason = f"no Chromium: install one of {', '.join(NAMES)}, or name it in CHROMIUM"
    if os.environ.get("SWITCHBOARD_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
