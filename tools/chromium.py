"""The path of this machine's Chromium. It has to be installed: nothing is downloaded."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Chromium without windows and notifications: it takes half the CPU. A package of its own on Debian.
HEADLESS = "chromium-headless-shell"
ON_MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def chromium() -> str | None:
    """CHROMIUM names it; otherwise what the machine has."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [*map(shutil.which, NAMES), *ON_MACOS]
    return next((path for path in found if path and Path(path).is_file()), None)


def headless() -> str | None:
    """CHROMIUM names it; otherwise the smaller program, where the machine has it."""
    smaller = None if os.environ.get("CHROMIUM") else shutil.which(HEADLESS)
    return smaller or chromium()
