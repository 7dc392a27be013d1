"""Chats of a client: what REST responses say of them, and what is not believed."""

from __future__ import annotations

import sqlite3
from collections.abc import Coroutine, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from client import (
    ChatClient,
    ChatLeft,
    MembersChanged,
    MessageReceived,
    NotAMember,
    ServerFault,
)
from client.core.bodies_generated import ChatResponse, ListedChat
from tests.client.library import of, online, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow


def responds(client: ChatClient, method: str, response: Any) -> None:
    """The next calls get this response."""

    async def call(*_: Any) -> Any:
        return response

    setattr(client._this.api, method, call)


@pytest.mark.parametrize(
    "members", [["ravi", "mira"], ["mira", "raju", "ravi"], ["raju"], ["raju", "mira"], []]
)
def test_a_chat_that_is_not_of_these_two_alone_is_not_taken_for_their_direct_one(
    members: list[str],
) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "ravi") as ravi:
            responds(ravi, "direct", ChatResponse("c1", tuple(members)))
            for act in (ravi.chats.direct("raju"), ravi.send("raju", "secret")):
                with pytest.raises(ServerFault, match="not that with raju"):
                    await act
            assert ravi.chats.all() == []
            assert ravi.chats.known_direct("raju") is None

    with_server(scenario)


def test_a_direct_chat_is_not_taken_for_that_with_somebody_else() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "mira"), online(server, "ravi") as ravi:
            with_mira = await ravi.chats.direct("mira")
            group = await ravi.chats.group(["raju"], "us")
            for chat in (with_mira, group):
                responds(ravi, "direct", ChatResponse(chat, ("raju", "ravi")))
                with pytest.raises(ServerFault):
                    await ravi.chats.direct("raju")
            kinds = {chat.chat: (chat.kind, chat.members) for chat in ravi.chats.all()}
            assert kinds == {
                with_mira: ("direct", ("mira", "ravi")), group: ("group", ("raju", "ravi"))
            }  # fmt: skip

    with_server(scenario)


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("direct", ["mira", "raju", "ravi"]),
        ("direct", ["mira", "ravi"]),
        ("direct", []),
        ("group", ["raju", "ravi"]),
        ("group", ["mira", "raju", "ravi"]),
    ],
)
def test_a_list_of_chats_makes_no_other_one_of_a_direct_chat(kind: str, members: list[str]) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "mira"), online(server, "ravi") as ravi:
            chat = await ravi.chats.direct("raju")
            group = await ravi.chats.group(["raju"])
            listed = [ListedChat(chat, kind, tuple(members))]
            listed += [ListedChat(group, "group", ("mira", "raju", "ravi"))]
            responds(ravi, "chats", listed)
            await ravi.chats.refresh()  # the others are taken anyway
            known = {one.chat: (one.kind, one.members) for one in ravi.chats.all()}
            assert known == {
                chat: ("direct", ("raju", "ravi")), group: ("group", ("mira", "raju", "ravi"))
            }  # fmt: skip
            responds(ravi, "change_members", ["mira", "raju", "ravi"])
            with pytest.raises(ServerFault):
                await ravi.chats.change_members(chat, add=["mira"])
            assert ravi.chats.others(chat) == ["raju"]

    with_server(scenario)


def test_a_member_that_the_backend_adds_to_a_new_group_is_reported() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "mira"), online(server, "ravi") as ravi:
            responds(ravi, "group", ChatResponse("c1", ("mira", "raju", "ravi")))
            await ravi.chats.group(["raju"])
            await ravi.wait_for(of(MembersChanged, chat="c1", joined=("mira",), left=()))

    with_server(scenario)


@pytest.mark.parametrize(
    "response", [{}, {"chat": "c1"}, {"chat": "c", "members": [1]}, {"members": 1}]
)
def test_a_response_of_another_shape_is_a_fault_of_the_server(response: dict[str, Any]) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "ravi") as ravi:

            async def call(*_: Any, **__: Any) -> dict[str, Any]:
                return response

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(ravi._this.api, "_call", call)
                acts: list[Coroutine[Any, Any, Any]] = [
                    ravi.chats.direct("raju"),
                    ravi.chats.group(["raju"]),
                    ravi.chats.change_members("c1", add=["raju"]),
                    ravi.devices.of("raju"),
                ]
                for act in acts:
                    with pytest.raises(ServerFault):
                        await act
            await ravi.send("raju", "anyway")

    with_server(scenario)


def test_whom_a_user_adds_was_in_for_nothing_before_also_if_the_answer_gets_lost() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "mira"), online(server, "ravi") as ravi:
            group = await ravi.chats.group(["raju"])
            await ravi.send(group, "before")
            await until(lambda: not ravi.messages.unaccepted)
            asked: list[list[tuple[str, int]]] = []
            change = ravi._this.api.change_members

            async def slow(chat: str, add: Iterable[str], remove: Iterable[str]) -> list[str]:
                rows = ravi._this.store.db.execute("SELECT user, after FROM adding").fetchall()
                asked.append(rows)
                return await change(chat, add, remove)

            ravi._this.api.change_members = slow  # type: ignore[method-assign]
            assert await ravi.chats.change_members(group, add=["mira"]) == ["mira", "raju", "ravi"]
            newest = server.head(group)["seq"]
            assert asked == [[("mira", newest)]]
            await ravi.wait_for(of(MembersChanged, chat=group, joined=("mira",)))
            assert ravi._this.store.member_after(group, "mira") == newest

    with_server(scenario)


def test_who_was_removed_from_a_group_can_read_it_and_is_in_it_again_when_put_back() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            chat = await ravi.chats.group(["raju"])
            await ravi.send(chat, "welcome")
            await raju.wait_for(of(MessageReceived, text="welcome"))
            await ravi.chats.change_members(chat, remove=["raju"])
            await raju.wait_for(of(ChatLeft, chat=chat))
            await raju.chats.refresh()
            assert [each.left for each in raju.chats.all() if each.chat == chat] == [True]
            assert [each.text for each in raju.messages.history(chat)] == ["welcome"]
            with pytest.raises(NotAMember):
                await raju.send(chat, "hello?")
            await ravi.chats.change_members(chat, add=["raju"])
            await ravi.send(chat, "back")
            await raju.wait_for(of(MessageReceived, text="back"))
            await until(lambda: not next(e for e in raju.chats.all() if e.chat == chat).left)
            await raju.send(chat, "thank you")
            await ravi.wait_for(of(MessageReceived, text="thank you"))

    with_server(scenario)


def test_sessions_that_nobody_uses_go_once_all_that_waited_is_here(tmp_path: Path) -> None:
    store = tmp_path / "ravi.db"

    def in_store(statement: str) -> list[Any]:
        with closing(sqlite3.connect(store)) as db, db:
            return db.execute(statement).fetchall()

    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju:
            async with online(server, "ravi", store=store) as ravi:
                chat = await raju.chats.group(["ravi"], "us")
                await raju.send(chat, "one")
                await ravi.wait_for(of(MessageReceived, text="one"))
            await raju.send(chat, "two")
            in_store("UPDATE group_inbound SET used_at = 0")  # the device was away for very long
            in_store(
                "INSERT INTO group_inbound (chat, device, session_id, pickle, used_at) "
                "SELECT chat, device, 'unused', pickle, 0 FROM group_inbound"
            )
            async with online(server, "ravi", store=store) as ravi:
                await ravi.wait_for(of(MessageReceived, text="two"))
                await until(lambda: in_store("SELECT count(*) FROM group_inbound") == [(1,)])

    with_server(scenario)
