"""`python -m client phone raju`: what the local FCM and APNs hold for a device of a user."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import httpx

from client.cli.options import Options, UsageError
from client.cli.text import ago, visible
from client.errors import in_words
from client.store.database import Database
from client.store.tables import require_own_file


def show_phone(options: Options) -> list[str]:
    """The lines to print. Raises UsageError, StoreError."""
    console = options.endpoints.get("console")
    if console is None:
        raise UsageError("phones are a part of the emulator, and it does not run here: make dev")
    token = _token(options)
    try:
        response = httpx.get(f"{console}/_local/phones/{token}", timeout=10)
        pushes = response.raise_for_status().json()["pushes"]
    except httpx.HTTPError as error:
        raise UsageError(f"the console at {console} does not respond: {in_words(error)}") from error
    who = f"{options.user}'s {options.device}"
    if not pushes:
        return [f"{who} ({token[:8]}…) holds no push"]
    count = "1 push" if len(pushes) == 1 else f"{len(pushes)} pushes"
    return [f"{who} ({token[:8]}…) holds {count}", *(_line(push) for push in pushes)]


def _token(options: Options) -> str:
    """From the client's file, which a running client may be using. Raises StoreError."""
    if not options.store.exists():
        raise UsageError(
            f"{options.user} has no device {options.device!r} in {options.data}; "
            f"make chat user={options.user} makes one"
        )
    require_own_file(options.store)
    with closing(
        sqlite3.connect(f"file:{options.store}?mode=ro", uri=True, factory=Database)
    ) as db:
        row = db.execute("SELECT push_token FROM session").fetchone()
    if row is None or row[0] is None:
        raise UsageError(f"{options.user}/{options.device} has registered no push token")
    return str(row[0])


def _line(push: Mapping[str, Any]) -> str:
    """One push: its time, whether it rang, the badge, the platform, and the whole message."""
    at = ago(push["received_at"], time.time())
    message = push["message"]
    data = message.get("data", message)  # APNs has no part of its own for it
    what = "rang" if "message_id" in data else "taken back"
    badge = data.get("unread", message.get("aps", {}).get("badge"))
    shown = what if badge is None else f"{what}, badge {badge}"
    text = visible(json.dumps(message, ensure_ascii=False, sort_keys=True))
    return f"{at}  {shown:<15} {push['platform']:<5} {text}"
