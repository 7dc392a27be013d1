"""A `sync` of all chats, page by page, and how much it reads."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.messages import history, sync_plan
from lambdas.messages.membership import Membership
from lambdas.messages.sync import READING_SECONDS
from tests.support.lambdas import given, then, when
from tests.support.lambdas.backend import Backend
from tests.support.lambdas.connection_api import Frame


def _pages(world: Backend, user: str, between: Callable[[], object] = int) -> list[Frame]:
    """Every `synced` of a sync without chats; `between` is called after each."""
    pages: list[Frame] = []
    cursor = None
    while cursor is not None or not pages:
        _, synced = when.syncs(world, user, cursor=cursor)
        assert len(json.dumps(then.valid(synced), separators=(",", ":"))) < 32_000
        between()
        pages.append(synced)
        cursor = synced.get("cursor")
    return pages


@pytest.mark.slow
def test_all_chats_come_page_by_page_each_once(world: Backend) -> None:
    given.online(world, "raju")
    given.user(world, "ravi", "phone")
    groups = [given.group(world, "raju", "ravi") for _ in range(230)]
    for chat in groups[:2]:
        when.sends(world, "ravi", chat)
    world.clock.pass_seconds(60)
    pages = _pages(world, "raju")
    assert [len(page["chats"]) for page in pages] == [100, 100, 30]
    listed = [chat for page in pages for chat in page["chats"]]
    assert sorted(listed) == sorted(groups)
    complete = {
        chat: place["complete_to"] for page in pages for chat, place in page["chats"].items()
    }
    assert [complete[chat] for chat in groups[:3]] == [1, 1, 0]
    assert not any(page["more"] or "retry_after" in page for page in pages)


@pytest.mark.slow
def test_a_page_ends_where_its_frame_is_full(world: Backend) -> None:
    names = [f"{'member' * 4}_{number:03d}" for number in range(200)]
    for name in ("raju", *names):
        given.user(world, name, "phone")
    given.connected(world, "raju", "phone")
    groups = [given.group(world, "raju", *names) for _ in range(5)]
    pages = _pages(world, "raju")
    assert [len(page["chats"]) for page in pages] == [2, 2, 1]
    assert sorted(chat for page in pages for chat in page["chats"]) == sorted(groups)


def test_a_page_that_is_full_is_followed_by_one_that_begins_with_the_next_chat(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_plan, "SYNCED_BYTES", 600)
    given.online(world, "raju")
    given.user(world, "ravi", "phone")
    groups = [given.group(world, "raju", "ravi") for _ in range(5)]
    pages = _pages(world, "raju")
    assert [len(page["chats"]) for page in pages] == [3, 2]
    assert [chat for page in pages for chat in page["chats"]] == sorted(groups)


def test_rows_of_chats_that_are_no_more_do_not_end_the_paging(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_plan, "CHATS", 2)
    given.online(world, "raju")
    given.user(world, "ravi", "phone")
    groups = sorted(given.group(world, "raju", "ravi") for _ in range(7))
    for chat in groups[1:6]:
        world.aws.chats.delete({"chat": chat, "item": "head"})
    pages = _pages(world, "raju")
    assert [list(page["chats"]) for page in pages] == [[groups[0]], [], [], [groups[6]]]


def test_chats_that_come_and_go_between_two_pages_hide_no_other(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_plan, "CHATS", 2)
    given.online(world, "raju")
    given.user(world, "ravi", "phone")
    room = Membership(world.aws.chats, world.aws.users)
    groups = sorted(given.group(world, "raju", "ravi") for _ in range(9))
    leaving = iter(groups[1:4])

    def between() -> None:
        given.group(world, "raju", "ravi")
        if chat := next(leaving, None):
            room.change("raju", chat, remove=["raju"])

    listed = [chat for page in _pages(world, "raju", between) for chat in page["chats"]]
    assert {*groups[:1], *groups[4:]} <= set(listed) and len(listed) == len(set(listed))


def test_a_cursor_is_a_chat_id_and_nothing_else(world: Backend) -> None:
    given.online(world, "raju")
    for cursor in ("", "a/b", 7, "x" * 65):
        response = when.raw(world, "raju", "phone", {"action": "sync", "cursor": cursor})
        then.is_error(response, "bad_request")


def test_a_chat_for_which_no_message_is_left_comes_with_the_next_sync(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_plan, "MESSAGES", 1)
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    for chat in (given.group(world, "ravi", "raju") for _ in range(2)):
        when.sends(world, "ravi", chat)
    world.clock.pass_seconds(60)
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju")
    assert then.valid(synced)["more"] and len(messages) == 1


def test_a_sync_reads_chat_after_chat_for_its_time_and_no_longer(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    for chat in (given.group(world, "ravi", "raju") for _ in range(3)):
        when.sends(world, "ravi", chat)
    world.clock.pass_seconds(60)
    given.connected(world, "raju", "phone")
    read = history.read

    def slowly(*given: Any, **named: Any) -> Any:
        world.clock.pass_seconds(READING_SECONDS * 0.6)
        return read(*given, **named)

    monkeypatch.setattr(history, "read", slowly)
    messages, synced = when.syncs(world, "raju")
    assert len(messages) == 2 and synced["more"]
