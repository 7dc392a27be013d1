"""Files of a chat over REST: who may upload and download them, their sizes and their number."""

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.limits import DOWNLOADS
from tests.support.lambdas.rest import Reply, Rest, rest

MIB = 2**20


@pytest.fixture(scope="module")
def api() -> Iterator[Rest]:
    with rest(FILE_MIB="2", FILES_PER_DAY="3", FILE_MIB_PER_DAY="4") as api:
        yield api


@pytest.fixture
def world(api: Rest) -> tuple[Rest, str, str, str]:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    made = api.request("POST", "/api/chats", {"kind": "direct", "with": raju}, user=ravi)
    return api, made.body["chat"], ravi, zoe


def put(api: Rest, chat: str, user: str, size: Any = 10) -> Reply:
    return api.request("POST", f"/api/chats/{chat}/files", {"size": size}, user=user)


def code(reply: Reply) -> str:
    return str(reply.body["error"]["code"])


def get(api: Rest, chat: str, user: str, file: str) -> Reply:
    return api.request("GET", f"/api/chats/{chat}/files/{file}", user=user)


def test_a_member_gets_a_form_for_a_key_that_nobody_can_guess_and_a_url_for_the_same_key(
    world: tuple[Rest, str, str, str],
) -> None:
    api, chat, ravi, _ = world
    first, second = put(api, chat, ravi), put(api, chat, ravi)
    assert (first.status, first.body["expires_in"]) == (201, 900)
    assert first.body["file"] != second.body["file"]
    assert len(first.body["file"]) >= 32
    assert first.body["fields"]["key"] == f"files/{chat}/{first.body['file']}"
    found = get(api, chat, ravi, first.body["file"])
    assert found.status == 200
    url = found.body["url"].partition("?")[0]
    assert url == f"{first.body['url']}/{first.body['fields']['key']}"


def test_who_is_no_member_gets_neither_and_learns_nothing(
    world: tuple[Rest, str, str, str],
) -> None:
    api, chat, ravi, zoe = world
    file = put(api, chat, ravi).body["file"]
    for chat_ in (chat, "no-such-chat"):
        for reply in (put(api, chat_, zoe), get(api, chat_, zoe, file)):
            assert (reply.status, code(reply)) == (404, "not_found")


@pytest.mark.parametrize("size", [0, -1, "10", 1.5, None, True])
def test_a_size_is_a_positive_number_of_bytes(
    world: tuple[Rest, str, str, str], size: object
) -> None:
    api, chat, ravi, _ = world
    assert code(put(api, chat, ravi, size)) == "bad_request"


@pytest.mark.parametrize("file", ["short", "a" * 65, "a" * 30 + ".", "a" * 30 + "%2F"])
def test_an_id_that_no_file_can_have_is_not_found(
    world: tuple[Rest, str, str, str], file: str
) -> None:
    api, chat, ravi, _ = world
    assert code(get(api, chat, ravi, file)) == "not_found"


def test_a_file_over_the_limit_is_too_large_and_counts_nowhere(
    world: tuple[Rest, str, str, str],
) -> None:
    api, chat, ravi, _ = world
    found = [put(api, chat, ravi, 2 * MIB + 1) for _ in range(4)]
    assert {(reply.status, reply.body["error"]["code"]) for reply in found} == {(413, "too_large")}
    assert put(api, chat, ravi, 2 * MIB).status == 201


def test_bytes_and_numbers_of_a_day_have_a_limit_that_says_how_long_to_wait(
    world: tuple[Rest, str, str, str],
) -> None:
    api, chat, ravi, zoe = world
    assert [put(api, chat, ravi, 2 * MIB).status for _ in range(2)] == [201, 201]
    body = {"kind": "direct", "with": zoe}
    other = api.request("POST", "/api/chats", body, user=ravi).body["chat"]
    by_bytes = put(api, other, ravi, 1)  # in all chats; the smallest file counts as 64 KiB
    assert (by_bytes.status, code(by_bytes)) == (429, "rate_limited")
    assert 0 < by_bytes.body["error"]["retry_after"] <= 86_400 / 64
    by_number = put(api, chat, ravi, 1)  # the third of this day was the one above
    assert code(by_number) == "rate_limited"
    assert by_number.body["error"]["retry_after"] > 86_400 / 4
    assert put(api, other, ravi, 1).body["error"]["retry_after"] > 86_400 / 4, "in all chats"
    assert put(api, other, zoe, 1).status == 201


def test_downloads_have_a_limit_too(
    world: tuple[Rest, str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api, chat, ravi, _ = world
    file = put(api, chat, ravi).body["file"]
    monkeypatch.setattr("lambdas.api.files.DOWNLOADS", DOWNLOADS._replace(at_once=2))
    assert [get(api, chat, ravi, file).status for _ in range(3)] == [200, 200, 429]
