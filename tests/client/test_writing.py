"""Replies, reactions, edits, deletions, timers, names and profiles, between real clients."""

from __future__ import annotations

import pytest

from client import (
    CannotWrite,
    ChatClient,
    ChatDescribed,
    MessageChanged,
    MessageReceived,
    ProfileChanged,
    State,
    StateChanged,
    StoredMessage,
)
from client.core.content import MessageContent
from tests.client.library import of, online, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow

PICTURE = "/9j/wAARCABgAGADAREAAhEBAxEB"


async def written(one: ChatClient, other: ChatClient, text: str = "hello") -> StoredMessage:
    """A text that `other` has, as `one` sees it."""
    name = await one.send(other.user, text)
    await one.wait_for(of(StateChanged, message_id=name, state=State.SENT))
    await other.wait_for(of(MessageReceived, message_id=name))
    return last(one)


def last(client: ChatClient) -> StoredMessage:
    chat = client.chats.all()[-1].chat
    return client.messages.history(chat)[-1]


def test_a_reply_shows_what_it_answers_as_it_is_now() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            question = await written(ravi, raju, "tea?")
            name = await raju.send(question.chat, "yes", reply=question.reference)
            await ravi.wait_for(of(MessageReceived, message_id=name, text="yes"))
            quote = last(ravi).reply
            assert quote is not None
            assert (quote.sender, quote.text, quote.here) == ("ravi", "tea?", True)
            await ravi.writing.edit(question.chat, question.reference, "coffee?")
            await raju.wait_for(of(MessageChanged, what="edit"))
            assert last(raju).reply.text == "coffee?"  # type: ignore[union-attr]

    with_server(scenario)


def test_a_reaction_is_seen_by_both_and_changed_and_taken_back() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            message = await written(ravi, raju)
            for emoji in ("👍", "❤️", None):
                await raju.writing.react(message.chat, message.reference, emoji)
                shown = [("raju", emoji)] if emoji else []
                await until(lambda shown=shown: list(last(ravi).reactions) == shown)  # type: ignore[misc]
                assert list(last(raju).reactions) == shown
            assert (
                len(ravi.messages.history(message.chat))
                == len(raju.messages.history(message.chat))
                == 1
            )
            assert ravi.messages.unread(message.chat) == []

    with_server(scenario)


def test_an_edit_keeps_the_place_and_a_deletion_removes_the_text_from_both_stores() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            message = await written(ravi, raju, "a secret")
            await written(ravi, raju, "the next")
            await ravi.writing.edit(message.chat, message.reference, "another secret")
            await raju.wait_for(of(MessageChanged, what="edit", by="ravi"))
            for client in (ravi, raju):
                first, _ = client.messages.history(message.chat)
                assert (first.text, first.edited) == ("another secret", True)
            assert [one.unread for one in raju.chats.all()] == [2]
            await ravi.writing.delete(message.chat, message.reference)
            await raju.wait_for(of(MessageChanged, what="deletion", by="ravi"))
            for client in (ravi, raju):
                first, _ = client.messages.history(message.chat)
                assert (first.text, first.deleted) == ("", True)
                rows = client._this.store.db.execute("SELECT * FROM messages").fetchall()
                assert "secret" not in str(rows)
            assert [one.unread for one in raju.chats.all()] == [1]
            with pytest.raises(CannotWrite):
                await ravi.writing.edit(message.chat, message.reference, "too late")

    with_server(scenario)


def test_nobody_changes_what_somebody_else_wrote() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            message = await written(ravi, raju)
            with pytest.raises(CannotWrite):
                await raju.writing.edit(message.chat, message.reference, "forged")
            with pytest.raises(CannotWrite):
                await raju.writing.delete(message.chat, message.reference)
            for kind, more in (("edit", {"text": "forged"}), ("deletion", {})):
                # a client without scruples
                fields = {"of": message.reference._asdict(), **more}
                await raju.writing._change(message.chat, kind, **fields)
            await written(raju, ravi, "after it")
            first, _ = ravi.messages.history(message.chat)
            assert (first.text, first.edited, first.deleted) == ("hello", False, False)
            assert raju.messages.history(message.chat)[0].text == "hello"

    with_server(scenario)


def test_what_is_written_after_a_timer_disappears_for_both() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            stays = await written(ravi, raju, "stays")
            await raju.writing.set_timer(stays.chat, 1)
            await ravi.wait_for(of(ChatDescribed, what="timer", by="raju"))
            assert ravi.chats.all()[0].timer == 1
            goes = await written(ravi, raju, "goes")
            assert goes.expires == 1
            await until(lambda: ravi.messages.history(stays.chat)[-1].kind == "timer")
            assert raju.messages.history(stays.chat)[-1].text == "goes"  # nobody has read it there
            raju.messages.mark_read(stays.chat, goes.seq or 0)
            await raju.wait_for(of(MessageChanged, what="expired", message_id=goes.message_id))
            for client in (ravi, raju):
                assert [each.text for each in client.messages.history(stays.chat)] == ["stays", ""]
                rows = client._this.store.db.execute("SELECT * FROM messages").fetchall()
                assert "goes" not in str(rows)

    with_server(scenario)


def test_a_group_has_its_name_and_picture_and_who_comes_later_gets_them() -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "ravi") as ravi,
            online(server, "raju") as raju,
            online(server, "mira") as mira,
        ):
            chat = await ravi.chats.group(["raju"], "Weekend")
            await raju.wait_for(of(ChatDescribed, chat=chat, what="chat_name", by="ravi"))
            assert [one.name for one in raju.chats.all()] == ["Weekend"]
            assert [one.unread for one in raju.chats.all()] == [0]
            await raju.writing.set_picture(chat, PICTURE)
            await ravi.wait_for(of(ChatDescribed, chat=chat, what="chat_picture", by="raju"))
            await ravi.chats.change_members(chat, add=["mira"])
            await mira.wait_for(of(ChatDescribed, chat=chat, what="chat_name"))
            await mira.wait_for(of(ChatDescribed, chat=chat, what="chat_picture"))
            (summary,) = mira.chats.all()
            assert (summary.name, summary.picture) == ("Weekend", PICTURE)
            assert mira.messages.history(chat) == []
            assert len(ravi.messages.history(chat)) == 2  # and it is not shown again

    with_server(scenario)


def test_only_admins_name_a_group_where_its_rules_say_so() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            chat = await ravi.chats.group(["raju"])
            await ravi.send(chat, "hello")
            await raju.wait_for(of(MessageReceived, text="hello"))
            await raju.writing.set_name(chat, "by a member")
            await ravi.people.change_admins(chat, rules={"rename": "admins"})
            for change in (raju.writing.set_name, raju.writing.set_picture):
                with pytest.raises(CannotWrite, match="only admins"):
                    await change(chat, None)
            await ravi.writing.set_name(chat, "by an admin")
            await until(lambda: raju.chats.all()[0].name == "by an admin")

    with_server(scenario)


def test_a_profile_comes_with_the_first_text_and_with_each_change() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            await ravi.writing.set_profile("Ravi K.", PICTURE)
            assert raju.writing.profile("ravi").name is None
            await written(ravi, raju)
            await raju.wait_for(of(ProfileChanged, user="ravi"))
            assert raju.writing.profile("ravi").name == "Ravi K."
            await written(ravi, raju, "again")
            await ravi.writing.set_profile("Ravi", None)
            await until(lambda: raju.writing.profile("ravi").name == "Ravi")
            assert ravi.writing.profile("ravi") == raju.writing.profile("ravi")
            assert len(raju.messages.history(raju.chats.all()[0].chat)) == 2

    with_server(scenario)


def test_a_kind_that_is_not_known_is_shown_as_such() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            message = await written(ravi, raju)
            poll = MessageContent("unknown", {"v": 1, "kind": "poll", "question": "tea?"})
            await ravi._this.send(message.chat, poll, True)
            bad = MessageContent("unknown", {"v": 1, "kind": "reaction", "of": 7})
            await ravi._this.send(message.chat, bad, True)

            def kinds() -> list[str]:
                return [each.kind for each in raju.messages.history(message.chat)]

            await until(lambda: kinds() == ["text", "unknown", "unreadable"])

    with_server(scenario)


def test_a_new_device_of_a_user_gets_the_names_and_the_own_profile_and_nobody_else_does() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            chat = await ravi.chats.group(["raju"], "Weekend")
            await raju.wait_for(of(ChatDescribed, chat=chat))
            await ravi.writing.set_profile("Ravi K.", None)
            await written(ravi, raju)
            async with online(server, "ravi", "laptop") as laptop:
                await laptop.wait_for(of(ChatDescribed, chat=chat, what="chat_name"))
                await until(lambda: laptop.writing.profile("ravi").name == "Ravi K.")
                assert "Weekend" in [each.name for each in laptop.chats.all()]
            count = "SELECT count(*) FROM messages WHERE kind = 'chat_name'"
            assert raju._this.store.db.execute(count).fetchone() == (1,)

    with_server(scenario)


def test_a_strangers_name_for_a_direct_chat_titles_nothing() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            chat = await ravi.chats.direct("raju")
            await ravi._this.send(chat, MessageContent("chat_name", {"name": "Your bank"}), False)
            await raju.wait_for(of(ChatDescribed, chat=chat, what="chat_name"))
            (summary,) = raju.chats.all()
            assert (summary.kind, summary.name) == ("direct", None)

    with_server(scenario)


def test_a_new_device_gets_the_profile_of_who_writes_to_it_from_themselves() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            await ravi.writing.set_profile("Ravi K.", None)
            await written(ravi, raju)
            alone: list[str] = []
            send = ravi._this.send_to_device

            def sent(chat: str, device: str, content: MessageContent) -> None:
                alone.append(f"{content.kind} to {device}")
                send(chat, device, content)

            ravi.writing._send_to_device = sent
            async with online(server, "raju", "laptop") as laptop:
                await written(ravi, laptop, "again")
                await until(lambda: laptop.writing.profile("ravi").name == "Ravi K.")
                await until(lambda: alone == ["profile to raju/laptop"])

    with_server(scenario)
