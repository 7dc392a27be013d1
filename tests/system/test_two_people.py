"""The story the project tells on its first page, and the ways it could go wrong."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from client import ChatClient, Displaced, MessageReceived, State
from tests.system.telling import ANY, reached, received, run

pytestmark = pytest.mark.xdist_group("story")

Make = Callable[..., ChatClient]
Name = Callable[[str], str]


def texts(client: ChatClient, chat: str) -> list[str | None]:
    return [message.text for message in client.messages.history(chat, limit=1000)]


def test_two_people_chat_one_leaves_is_woken_by_a_push_and_comes_back(
    device: Make, name: Name, phone: Callable[[str], list[dict[str, Any]]], wait_until: Any
) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi) as a:
            async with device(raju) as b:
                chat = await a.chats.direct(raju)
                hello = await a.send(chat, "hello")
                seen = await b.wait_for(received("hello"))
                assert isinstance(seen, MessageReceived)
                assert seen.sender == ravi
                await a.wait_for(reached(hello, State.SENT))
                await a.wait_for(reached(hello, State.DELIVERED))
                b.messages.mark_read(chat, seen.seq)
                await a.wait_for(reached(hello, State.READ))
                await b.send(chat, "hi Ravi")
                await a.wait_for(received("hi Ravi"))
                token = b.devices.push_token
            assert token
            lines = [f"while you were away {n}" for n in range(5)]
            sent = [await a.send(chat, line) for line in lines]
            for message_id in sent:
                await a.wait_for(reached(message_id, State.SENT))

            def pushed() -> list[dict[str, Any]] | None:
                pushes = phone(token)
                return pushes if pushes and ids(pushes[-1])["unread"] == "5" else None

            pushes = await asyncio.to_thread(wait_until, pushed)
            rung = [ids(push)["message_id"] for push in pushes]
            assert rung[-1] == sent[-1] and len(set(rung)) == len(rung) and set(rung) <= set(sent)
            for push in pushes:
                assert set(ids(push)) == {"message_id", "chat_id", "unread"}
                assert ids(push)["chat_id"] == chat
                assert ravi not in json.dumps(push)
                assert "away" not in json.dumps(push)

            async with device(raju) as b:
                for line in lines:
                    await b.wait_for(received(line))
                assert texts(b, chat)[-5:] == lines
                for message_id in sent:
                    await a.wait_for(reached(message_id, State.DELIVERED))
                b.messages.mark_read(chat, b.messages.history(chat)[-1].seq or 0)
                for message_id in sent:
                    await a.wait_for(reached(message_id, State.READ))

    run(story())


def ids(push: dict[str, Any]) -> dict[str, str]:
    data: dict[str, str] = push["message"]["data"]
    return data


@pytest.mark.deep
def test_a_recipient_with_two_devices_gets_the_message_on_both(device: Make, name: Name) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with (
            device(raju, "phone") as phone,
            device(raju, "laptop") as laptop,
            device(ravi) as a,
        ):
            message = await a.send(raju, "to both")
            await phone.wait_for(received("to both"))
            await laptop.wait_for(received("to both"))
            await a.wait_for(reached(message, State.DELIVERED))

    run(story())


def test_the_device_that_was_off_catches_up_although_the_other_had_everything(
    device: Make, name: Name
) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(raju, "laptop"):
            pass  # registered, then off
        async with device(raju, "phone") as phone, device(ravi) as a:
            chat = await a.chats.direct(raju)
            for n in range(3):
                await a.send(chat, f"line {n}")
            await phone.wait_for(received("line 2"))
            async with device(raju, "laptop") as laptop:
                await laptop.wait_for(received("line 2"))
                assert texts(laptop, chat) == ["line 0", "line 1", "line 2"]

    run(story())


@pytest.mark.deep
def test_what_one_writes_on_the_phone_appears_on_the_laptop(device: Make, name: Name) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with (
            device(ravi, "phone") as phone,
            device(ravi, "laptop") as laptop,
            device(raju),
        ):
            chat = await phone.chats.direct(raju)
            await phone.send(chat, "from my phone")
            seen = await laptop.wait_for(received("from my phone"))
            assert isinstance(seen, MessageReceived)
            assert seen.own
            await laptop.send(chat, "from my laptop")
            await phone.wait_for(received("from my laptop"))
            assert texts(phone, chat) == texts(laptop, chat) == ["from my phone", "from my laptop"]

    run(story())


@pytest.mark.deep
def test_a_group_of_five_sees_one_order_and_ticks_when_all_have_it(
    device: Make, name: Name
) -> None:
    async def story() -> None:
        users = [name(who) for who in ("ravi", "raju", "meena", "anil", "tara")]
        clients = [device(user) for user in users]
        for client in clients:
            await client.__aenter__()
        try:
            ravi = clients[0]
            group = await ravi.chats.group(users[1:], "five")
            first = await ravi.send(group, "to all")
            for client in clients[1:]:
                await client.wait_for(received("to all"))
            await ravi.wait_for(reached(first, State.DELIVERED))
            await asyncio.gather(*(c.send(group, f"from {c.user}") for c in clients))
            for client in clients:
                for other in clients:
                    if other is not client:
                        await client.wait_for(received(f"from {other.user}"))
                await client.sync()
            orders = {tuple(texts(client, group)) for client in clients}
            assert len(orders) == 1
            assert len(next(iter(orders))) == 7, "the group's name, and six texts"
            for client in clients[1:]:  # the group's keys went ahead of the first text
                client.messages.mark_read(group, client.messages.history(group)[1].seq or 0)
            await ravi.wait_for(reached(first, State.READ))
        finally:
            for client in clients:
                await client.close()

    run(story())


@pytest.mark.deep
def test_any_text_arrives_as_it_was_written(device: Make, name: Name) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(raju) as b, device(ravi) as a:
            for text in ANY:
                await a.send(raju, text)
                await b.wait_for(received(text))

    run(story())


@pytest.mark.deep
def test_a_connection_lost_in_the_middle_of_a_sync_loses_nothing_and_shows_nothing_twice(
    device: Make, name: Name
) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(raju):
            pass
        async with device(ravi) as a:
            chat = await a.chats.direct(raju)
            lines = [f"line {n:03d}" for n in range(120)]
            for line in lines:
                last = await a.send(chat, line)
            await a.wait_for(reached(last, State.SENT))
            b = device(raju)
            await b.sign_up_or_in()
            connecting = asyncio.create_task(b.connect())
            for cut_after in ("line 005", "line 050", "line 110"):
                await b.wait_for(received(cut_after))
                b.cut()
            await connecting
            await b.wait_for(received(lines[-1]))
            assert texts(b, chat) == lines
            await b.close()

    run(story())


@pytest.mark.deep
def test_the_same_device_connecting_elsewhere_displaces_the_first(
    device: Make, name: Name, tmp_path: Any, endpoints: dict[str, Any]
) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        first = device(raju)
        async with first:
            elsewhere = ChatClient(
                endpoints["api"], raju, "Correct-horse-7", "phone", tmp_path / "elsewhere.sqlite"
            )
            async with elsewhere, device(ravi) as a:
                await first.wait_for(lambda event: isinstance(event, Displaced))
                await a.send(raju, "only to the newer one")
                await elsewhere.wait_for(received("only to the newer one"))
                assert not first.online

    run(story())


@pytest.mark.deep
def test_presence_and_typing_reach_the_other_user(device: Make, name: Name) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi) as a:
            async with device(raju) as b:
                chat = await a.chats.direct(raju)
                await b.chats.direct(ravi)
                a.people.watch([raju])
                await a.wait_for(lambda e: getattr(e, "online", None) is True)
                b.messages.typing(chat)
                await a.wait_for(lambda e: type(e).__name__ == "TypingSeen")
            gone = await a.wait_for(lambda e: getattr(e, "online", None) is False)
            assert getattr(gone, "last_seen", None)

    run(story())
