"""A forgotten password: by the library, and on the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from client.chat_client import ChatClient
from client.cli.asking import Ask
from client.cli.lines import Lines
from client.cli.main import reset_password
from client.cli.options import UsageError
from client.cli.own_account import OwnAccount
from client.errors import BadRequest, Unauthorized
from tests.client.cli.person import Person
from tests.client.library import QUICK, online, with_server
from tests.support.backend.server import Served

pytestmark = pytest.mark.slow

NEW = "another password"


def answering(answer: Callable[[str], str]) -> Ask:
    async def ask(prompt: str, *, seen: bool = False) -> str:
        assert seen == (prompt == "code: ")  # a password is never shown
        return answer(prompt)

    return ask


def test_a_password_is_reset_by_the_code_that_was_mailed_to_the_confirmed_address() -> None:
    async def scenario(server: Served) -> None:
        mails = server.aws.pool.mails
        async with online(server, "ravi") as ravi:
            with pytest.raises(Unauthorized):
                await ravi.account.set_email("ravi@x.org", "wrong password")
            await ravi.account.set_email("ravi@x.org", "password")
            with pytest.raises(BadRequest, match="the code is wrong"):
                await ravi.account.confirm_email("x")
            await ravi.account.confirm_email(mails[-1]["code"])
        forgetful = ChatClient(server.url, "ravi", None, "tablet", settings=QUICK)
        await forgetful.account.forgot_password()
        assert mails[-1]["to"] == "ravi@x.org"
        with pytest.raises(BadRequest, match="the code is wrong"):
            await forgetful.account.reset_password("x", NEW)
        await forgetful.account.reset_password(mails[-1]["code"], NEW)
        async with forgetful:
            assert {each.device for each in await forgetful.devices.of("ravi")} == {"phone"}
        async with ChatClient(server.url, "ravi", NEW, "watch", settings=QUICK):
            pass

    with_server(scenario)


def test_the_command_line_confirms_an_address_and_resets_a_password() -> None:
    async def scenario(server: Served) -> None:
        mails = server.aws.pool.mails
        async with online(server, "ravi") as ravi:
            person, shown = Person(ravi), list[str]()
            own = OwnAccount(
                ravi, Lines(shown.append), lambda: None, answering(lambda _: "password")
            )
            await own.commands()["email"]("ravi@x.org")
            assert shown == ["* a code is on its way; confirm the address with /email CODE"]
            code = mails[-1]["code"]
            assert await person.types(f"/email {code}") == [
                "* confirmed: --reset-password has a code mailed to this address"
            ]
        forgetful = ChatClient(server.url, "ravi", None, "tablet", settings=QUICK)

        with pytest.raises(UsageError, match="two different passwords"):
            await reset_password(forgetful, answering(lambda prompt: prompt))
        await reset_password(
            forgetful, answering(lambda prompt: mails[-1]["code"] if prompt == "code: " else NEW)
        )
        async with forgetful:
            pass

    with_server(scenario)
