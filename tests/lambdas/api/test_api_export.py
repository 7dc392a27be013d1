"""The export of an account over REST: every item, in pages that may end at any key."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lambdas.tables import user_key
from tests.support.lambdas.rest import Rest


def test_the_export_has_every_item_of_the_user_in_pages(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(ravi)
    keys = {"one_time_keys": phone.one_time_keys(range(40))}
    api.request("POST", "/api/devices/phone/one-time-keys", keys, user=ravi)
    chat = api.request("POST", "/api/chats", {"kind": "direct", "with": raju}, user=ravi).body[
        "chat"
    ]
    found: list[Any] = []
    query: dict[str, str] = {}
    while True:
        page = api.request("GET", "/api/account", user=ravi, query=query).body
        found += page["items"]
        if "cursor" not in page:
            break
        query = {"cursor": quote(page["cursor"], safe="")}
    stored = [item["item"] for item in api.aws.users.query_all({"user": ravi})]
    assert [each["item"]["item"] for each in found if each["table"] == "Users"] == stored
    assert len(stored) > 80
    (member,) = [each["item"] for each in found if each["table"] == "Chats"]
    assert (member["chat"], member["item"]) == (chat, f"member#{ravi}")
    wrong = {"cursor": "a b"}
    assert api.request("GET", "/api/account", user=ravi, query=wrong).status == 400


def test_every_kind_of_key_may_end_a_page_of_the_export(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kinds as they are written in the sources: a new one is tried without a line here."""
    sources = "".join(path.read_text() for path in Path("lambdas").rglob("*.py"))
    literals = {*re.findall(r"\"([a-z]+#[^\"\s]*)\"", sources)}
    keys = {re.sub(r"\{[^}]*\}", "aZ9_-+/", each) for each in literals}
    keys = {f"{key}aZ9" if key.endswith("#") else key for key in keys}
    assert {"chat#aZ9_-+/", "invite#!aZ9_-+/", "rings#aZ9"} <= keys
    (user,) = api.sign_up("ravi")
    api.aws.users.batch_write(puts=[user_key(user, key) for key in keys])
    monkeypatch.setattr("lambdas.api.export.ITEMS_PER_PAGE", 1)
    found: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = api.request("GET", "/api/account", user=user, query=query)
        assert page.status == 200, query
        found += [each["item"]["item"] for each in page.body["items"]]
        if "cursor" not in page.body:
            break
        query = {"cursor": quote(page.body["cursor"], safe="")}
    assert {*found} >= keys
