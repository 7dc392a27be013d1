"""`--phone` at the command line: it shows what rang, what was taken back, and the badge."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from client.cli.phone import show_phone
from client.errors import StoreError
from client.store import Store

RING = {"data": {"message_id": "m1", "chat_id": "c", "unread": "3"}}
TAKEN_BACK = {"aps": {"badge": 2, "content-available": 1}, "chat_id": "c", "read": "17"}


class Options:
    user, device = "raju", "phone"
    endpoints = {"console": "http://127.0.0.1:8082"}  # noqa: RUF012 - never changed

    def __init__(self, folder: Path) -> None:
        self.data, self.store = folder, folder / "store"
        store = Store.open(self.store, "raju", "phone")
        store.save_push("fcm", "token-of-raju")
        store.close()


def test_a_phone_shows_what_rang_what_was_taken_back_and_the_badge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushes = [
        {"received_at": 0.0, "platform": "fcm", "message": RING},
        {"received_at": 0.0, "platform": "apns", "message": TAKEN_BACK},
    ]
    response = httpx.Response(
        200, json={"pushes": pushes}, request=httpx.Request("GET", "http://x")
    )
    monkeypatch.setattr(httpx, "get", lambda *_, **__: response)
    options: Any = Options(tmp_path)
    head, rang, taken_back = show_phone(options)
    assert "holds 2 pushes" in head
    assert "rang, badge 3" in rang and json.dumps(RING["data"], sort_keys=True) in rang
    assert "taken back, badge 2" in taken_back and '"read": "17"' in taken_back


def test_a_file_of_another_program_is_no_phone(tmp_path: Path) -> None:
    options: Any = Options(tmp_path)
    options.store.unlink()
    with closing(sqlite3.connect(options.store)) as db:
        db.execute("CREATE TABLE notes (text)")
    with pytest.raises(StoreError, match="another program"):
        show_phone(options)
