"""The own profile, which goes with what a user writes: with a file once its message is written."""

import asyncio
from functools import partial
from typing import Any

import pytest

from client.core.attachment import FileDescription
from client.core.events import ProfileChanged
from tests.client.library import of, online, with_server
from tests.support.backend.server import Served

pytestmark = pytest.mark.slow


def test_whoever_is_sent_a_file_gets_the_profile_and_of_one_that_is_taken_back_nothing() -> None:
    """Else a stranger, whose request nobody has answered, would have the name and the picture."""

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            await ravi.writing.set_profile("Ravi K.", None)
            chat = await ravi.chats.id_of("raju")
            taken_back = await ravi.messages.send_file(chat, b"x", FileDescription(name="a.txt"))
            assert ravi.messages.cancel_upload(taken_back)
            assert ravi._this.store.writings(chat, "profile") == []
            await ravi.messages.send_file(chat, b"x", FileDescription(name="b.txt"))
            await raju.wait_for(of(ProfileChanged, user="ravi"))
            assert raju.writing.profile("ravi").name == "Ravi K."
            assert [each.kind for each in raju.messages.history(chat)] == ["file"]

    with_server(scenario)


def test_of_one_that_is_taken_back_when_its_upload_has_just_ended_no_profile_goes_out() -> None:
    """Its message is not written then."""

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            await ravi.writing.set_profile("Ravi K.", None)
            chat = await ravi.chats.id_of("raju")
            transfer: Any = ravi._this.files._transfer
            put, sent, cancelled = transfer.put, list[str](), list[bool]()

            async def taken_back(*arguments: Any) -> None:
                await put(*arguments)
                transfer.put = watched
                cancel = partial(ravi.messages.cancel_upload, sent[0])
                asyncio.get_running_loop().call_soon(lambda: cancelled.append(cancel()))

            async def watched(*arguments: Any) -> None:
                assert ravi._this.store.writings(chat, "profile") == []
                await put(*arguments)

            transfer.put = taken_back
            for name in ("a.txt", "b.txt"):
                sent.append(await ravi.messages.send_file(chat, b"x", FileDescription(name=name)))
            await raju.wait_for(of(ProfileChanged, user="ravi"))
            assert cancelled == [True]
            assert [each.kind for each in raju.messages.history(chat)] == ["file"]

    with_server(scenario)
