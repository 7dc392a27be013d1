"""The commands about the user's own account: password, e-mail address, devices, deletion."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from client.chat_client import ChatClient
from client.cli.asking import Ask, asked
from client.cli.view import View


class OwnAccount:
    """`leave` ends the program once there is no account to go on with."""

    def __init__(
        self, client: ChatClient, view: View, leave: Callable[[], None], ask: Ask = asked
    ) -> None:
        self._client, self._view, self._leave = client, view, leave
        self._ask = ask

    def commands(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {
            "password": self._password,
            "email": self._email,
            "link": self._link,
            "signout": self._sign_out,
            "export": self._export,
            "delete-account": self._delete,
        }

    async def _password(self, rest: str) -> None:
        old = await self._ask("present password: ")
        new = await self._ask("new password: ")
        if new != await self._ask("new password again: "):
            self._view.problem("these are two different passwords; nothing has changed")
            return
        await self._client.account.change_password(old, new)
        self._view.notice("your password is changed; your other devices have to sign in again")

    async def _email(self, rest: str) -> None:
        if not rest:
            self._view.problem("/email ADDRESS, then /email CODE with the code from the mail")
            return
        if "@" not in rest:
            await self._client.account.confirm_email(rest)
            self._view.notice("confirmed: --reset-password has a code mailed to this address")
            return
        await self._client.account.set_email(rest, await self._ask("password: "))
        self._view.notice("a code is on its way; confirm the address with /email CODE")

    async def _link(self, rest: str) -> None:
        """Links a new device. A code alone is not enough: a warning is shown, and the password
        asked for.
        """
        if not rest:
            self._view.problem("/link CODE: what a new device of yours shows, after make link")
            return
        offer = await self._client.linking.offer(rest)
        self._view.notice(
            f"{offer.label} ({offer.device}) wants to be a device of {self._client.user}: it will "
            "read and write all that you do"
        )
        self._view.notice("go on only if it is in front of you, and shows this code now")
        password = await self._ask(f"password of {self._client.user}, to let it in: ")
        if not password:
            self._view.notice("nothing is linked")
            return
        await self._client.linking.confirm(offer, password)
        self._view.notice(f"{offer.device} is let in, and verified; /unlink removes it")

    async def _sign_out(self, rest: str) -> None:
        if rest not in ("", "all"):
            self._view.problem("/signout, or /signout all")
            return
        await self._client.sign_out(everywhere=rest == "all")
        self._view.notice("signed out")
        self._leave()

    async def _export(self, rest: str) -> None:
        if not rest:
            self._view.problem("/export FILE")
            return
        items = await self._client.account.stored_items()
        document = [{"table": each.table, "item": dict(each.item)} for each in items]
        try:
            await asyncio.to_thread(_write, Path(rest), document)
        except OSError as error:
            self._view.problem(f"{rest} can't be written: {error.strerror}")
            return
        self._view.notice(f"{len(document)} items are in {rest}")

    async def _delete(self, rest: str) -> None:
        password = await self._ask(f"password of {self._client.user}, to delete the account: ")
        if not password:
            self._view.notice("nothing is deleted")
            return
        await self._client.delete_account(password)
        self._view.notice(f"the account {self._client.user} is deleted")
        self._leave()


def _write(path: Path, document: Any) -> None:
    with path.open("x", encoding="utf-8") as file:  # never over another file
        json.dump(document, file, indent=2, ensure_ascii=False)
