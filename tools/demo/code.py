"""Links from each step of a message to its code, for the page that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LINES = 36

# Step -> file, and a text of the line where it begins.
PLACES = {
    "encrypted": ("web/src/client/crypto/sealing.ts", "export async function sealFor("),
    "accepted": ("lambdas/messages/send.py", "def send("),
    "stored": ("lambdas/messages/append.py", "def put("),
    "presence": ("lambdas/presence/fan_out.py", "def to_connected("),
    "posted": ("lambdas/presence/fan_out.py", "def deliver("),
    "queued": ("lambdas/notifications/push_jobs.py", "def wake("),
    "notification": ("lambdas/delivery/push.py", "def push("),
    "push": ("lambdas/notifications/message.py", "def sns_message("),
    "woken": ("web/src/client/connection.ts", "async #once("),
    "fetched": ("lambdas/messages/sync.py", "def sync("),
    "decrypted": ("web/src/client/crypto/opening.ts", "export async function open("),
    "delivered": ("lambdas/delivery/receipt.py", "def receipt("),
    "read": ("web/src/app/model/reading.ts", "export function hasRead"),
}
# Step -> the function whose log has a line of it.
LOGS = {"accepted": "Send", "stored": "Send", "presence": "Send", "notification": "Push"}


def excerpt(step: str) -> dict[str, Any]:
    """`{path, line, text}`. Raises KeyError for an unknown step, ValueError where it is gone."""
    path, begins = PLACES[step]
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines) if begins in line]
    if not found:
        raise ValueError(f"{path} has no line with {begins!r}")
    text = "\n".join(lines[found[0] : found[0] + LINES])
    return {"path": path, "line": found[0] + 1, "text": text}
