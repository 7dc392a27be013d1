"""Requests, invitations, roles, settings and block, by the library and on the command line."""

from __future__ import annotations

import asyncio

import pytest

from client.errors import Forbidden
from tests.client.cli.person import Person
from tests.client.library import online, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow


def test_a_request_is_shown_and_no_receipt_is_sent_until_it_is_accepted() -> None:
    async def scenario(server: Served) -> None:
        server.acquainted = False
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            chat = await ravi.send("raju", "hello") and await ravi.chats.direct("raju")
            await until(lambda: bool(raju.chats.all()) and raju.chats.all()[0].unread == 1)
            raju.messages.mark_read(chat, 1)
            person = Person(raju)
            shown = await person.types("/requests")
            assert shown == ["* 1: ravi wants to write to you; /join 1 or /decline 1"]
            await asyncio.sleep(0.3)
            (own,) = ravi.messages.history(chat)
            assert own.state is not None and own.state.name == "SENT"
            assert await person.types("/join 1") == ["* accepted; /chats lists it"]
            assert await person.types("/contacts") == ["* ravi"]
            assert await person.types("/requests") == ["* no requests and no invitations"]

    with_server(scenario)


def test_an_invitation_is_accepted_and_a_group_is_left_for_good() -> None:
    async def scenario(server: Served) -> None:
        server.acquainted = False
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            group = await ravi.chats.group(["raju"], "us")
            person = Person(raju)
            assert await person.types("/requests") == [
                "* 1: ravi invites you to a group; /join 1 or /decline 1"
            ]
            await person.types("/join 1")
            assert [chat.chat for chat in raju.chats.all()] == [group]
            with pytest.raises(Forbidden):
                await raju.chats.change_members(group, remove=["ravi"])
            person.room.open(group)
            assert await person.types("/leave") == ["* you have left this group for good"]
            assert await ravi.chats.change_members(group, add=["raju"]) == ["ravi"]

    with_server(scenario)


def test_settings_roles_and_block_are_kept_by_the_backend() -> None:
    async def scenario(server: Served) -> None:
        server.acquainted = False
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            person = Person(ravi)
            await person.types("/settings receipts=off")
            assert (await ravi.people.settings())["receipts"] is False
            group = await ravi.chats.group(["raju"], "us")
            await raju.people.accept(group)
            person.room.open(group)
            assert await person.types("/rule add=admins") == [
                "* admins: ravi; add: admins, remove: admins, rename: members"
            ]
            await person.types("/admin raju")
            admins = await raju.people.change_admins(group, dismiss=["ravi"])
            assert admins.admins == ("raju",)
            assert await person.types("/mute 1") == ["* no pushes of this chat"]
            await person.types("/block raju")
            assert await ravi.people.contacts() == {"raju": "blocked"}
            assert await person.types("/block nobody_here") == ["! there is no user nobody_here"]
            await person.types("/unblock raju")
            assert await ravi.people.contacts() == {}

    with_server(scenario)
