"""Files from one client to another: whole, checked, and after whatever happens on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from client import ChatClient, MessageReceived
from client.core.attachment import Attachment, FileDescription
from client.core.events import FileFailed, FileProgress
from client.errors import FileDamaged, FileGone, Unauthorized
from tests.client.library import of, online, with_server
from tests.support.backend.objects import CUT
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow

CONTENT = bytes(range(256)) * 5_000  # more than one chunk
REPORT = FileDescription(name="../report.pdf", caption="please read")


async def received(client: ChatClient, sender: str) -> tuple[str, Attachment]:
    """The chat and the file of the next message of that user."""
    event = await client.wait_for(of(MessageReceived, sender=sender))
    assert isinstance(event, MessageReceived)
    return event.chat, attachment_of(client, event.chat)


def test_a_file_arrives_as_it_was_with_its_name_made_safe_and_progress_on_both_sides() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            seen: list[tuple[int, int]] = []
            message_id = await ravi.messages.send_file("raju", CONTENT, REPORT)
            progress = await ravi.wait_for(of(FileProgress, message_id=message_id))
            assert isinstance(progress, FileProgress)
            assert 0 < progress.done <= progress.size
            chat, found = await received(raju, "ravi")
            assert (found.name, found.type, found.kind) == (
                "_report.pdf",
                "application/pdf",
                "file",
            )
            content = await raju.messages.fetch_file(chat, found, lambda *step: seen.append(step))
            assert content == CONTENT
            assert seen[-1][0] == seen[-1][1] > len(CONTENT)
            assert ravi.messages.uploads() == []
            (stored,) = server.aws.objects.stored.values()
            assert CONTENT[:64] not in stored

    with_server(scenario)


@pytest.mark.parametrize(
    "description",
    [FileDescription(name="a.jpg"), FileDescription(name="a", type="image/png")],
    ids=["its name", "its type"],
)
def test_what_only_says_that_it_is_a_picture_goes_as_a_file(description: FileDescription) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            await ravi.messages.send_file("raju", CONTENT, description)
            _, found = await received(raju, "ravi")
            assert found.kind == "file"

    with_server(scenario)


def test_the_message_leaves_only_after_the_upload_whatever_fails_on_the_way() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            await ravi.chats.direct("raju")
            server.aws.objects.failing += [CUT, 503, 403]
            await ravi.messages.send_file("raju", CONTENT, REPORT)
            chat, found = await received(raju, "ravi")
            assert server.aws.objects.lines == ["POST"] * 4
            server.aws.objects.failing += [CUT, 500, CUT]
            assert await raju.messages.fetch_file(chat, found) == CONTENT
            asked = server.aws.objects.lines[4:]
            assert asked[0] == "GET" and asked[-1].startswith("GET bytes=")
            assert int(asked[-1].removeprefix("GET bytes=").rstrip("-")) > len(CONTENT) // 2

    with_server(scenario)


def test_what_waits_for_its_upload_survives_a_restart(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju:
            store = tmp_path / "ravi.db"
            async with online(server, "ravi", store=store) as ravi:
                chat = await ravi.chats.direct("raju")
                server.aws.objects.failing += [503] * 1_000
                await ravi.messages.send_file(chat, CONTENT, REPORT)
                assert [each.chat for each in ravi.messages.uploads()] == [chat]
                assert ravi.messages.unaccepted == 1
            assert not server.messages(chat)
            server.aws.objects.failing.clear()
            async with online(server, "ravi", store=store) as ravi:
                _, found = await received(raju, "ravi")
                assert await raju.messages.fetch_file(chat, found) == CONTENT
                assert ravi.messages.uploads() == []
            assert len(server.aws.objects.stored) == 1

    with_server(scenario)


def test_a_file_that_is_cancelled_is_never_sent() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            server.aws.objects.failing += [503] * 3
            message_id = await ravi.messages.send_file("raju", CONTENT, REPORT)
            assert ravi.messages.cancel_upload(message_id)
            assert not ravi.messages.cancel_upload(message_id)
            await ravi.send("raju", "after it")
            event = await raju.wait_for(of(MessageReceived))
            assert getattr(event, "text", None) == "after it"
            assert ravi.messages.uploads() == []

    with_server(scenario)


def test_a_file_that_the_backend_rejects_is_reported_and_given_up() -> None:
    async def scenario(server: Served) -> None:
        environment: Any = server.aws.settings.environment
        environment["FILE_MIB"] = "1"
        async with online(server, "raju"), online(server, "ravi") as ravi:
            large = await ravi.messages.send_file("raju", CONTENT, REPORT)
            event = await ravi.wait_for(of(FileFailed, message_id=large, final=True))
            assert "at most 1 MiB" in getattr(event, "reason", "")
            small = await ravi.messages.send_file("raju", b"x", REPORT)
            await until(lambda: ravi.messages.uploads() == [])
            assert small != large
            assert len(server.aws.objects.stored) == 1

    with_server(scenario)


def test_a_file_waits_for_a_sign_in_and_is_given_up_where_the_user_is_no_member() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            chat, group = await ravi.chats.direct("raju"), await ravi.chats.group(["raju"])
            form = ravi._this.api.file_form

            async def signed_out(*_: Any) -> Any:
                raise Unauthorized("unauthorized", "signed out", 401)

            ravi._this.api.file_form = signed_out  # type: ignore[method-assign,assignment]
            await ravi.messages.send_file(chat, b"x", REPORT)
            await ravi.messages.send_file(group, b"y", REPORT)
            await asyncio.sleep(0)
            assert len(ravi.messages.uploads()) == 2
            await ravi.people.leave(group)
            ravi._this.api.file_form = form  # type: ignore[method-assign]
            ravi._this.files.wake()
            await received(raju, "ravi")
            await ravi.wait_for(of(FileFailed, chat=group, final=True))
            assert ravi.messages.uploads() == []

    with_server(scenario)


def test_a_file_with_another_content_is_never_shown_and_an_expired_one_is_reported_as_gone() -> (
    None
):
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            await ravi.messages.send_file("raju", CONTENT, REPORT)
            chat, found = await received(raju, "ravi")
            stored = server.aws.objects.stored
            (key,) = stored
            body = stored[key]
            for wrong in (body[:-1], body + b"x", body[:-1] + bytes([body[-1] ^ 1]), b""):
                stored[key] = wrong
                with pytest.raises(FileDamaged):
                    await raju.messages.fetch_file(chat, found)
            stored.clear()
            with pytest.raises(FileGone):
                await raju.messages.fetch_file(chat, found)

    with_server(scenario)


def test_a_file_that_is_one_too_many_for_today_waits_and_is_not_lost() -> None:
    async def scenario(server: Served) -> None:
        environment: Any = server.aws.settings.environment
        environment["FILES_PER_DAY"] = "1"
        async with online(server, "raju"), online(server, "ravi") as ravi:
            await ravi.messages.send_file("raju", b"first", REPORT)
            second = await ravi.messages.send_file("raju", b"second", REPORT)
            event = await ravi.wait_for(of(FileFailed, message_id=second))
            assert getattr(event, "final", None) is False
            assert [each.message_id for each in ravi.messages.uploads()] == [second]

    with_server(scenario)


def attachment_of(client: ChatClient, chat: str) -> Attachment:
    """The file of the last message of the chat."""
    content = client.messages.history(chat)[-1].content
    assert content is not None and content.file is not None
    return content.file
