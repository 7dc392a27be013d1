"""The export of an account over REST: its pages may end at any key."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from lambdas.tables import user_key
from tests.support.lambdas.rest import Rest


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
