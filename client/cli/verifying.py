"""The commands /safety and /verify: two people check that nobody sits between their devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from client.chat_client import ChatClient
from client.chats import USER
from client.cli import qr
from client.cli.view import View
from client.core import events
from client.core.ids import user_and_device
from client.crypto.identities import Trust
from client.crypto.sas import Stage
from client.errors import NotFound

HELP = """\
/safety USER [NUMBER]  shows your safety number with a user; compares it with what the other sees
/verify USER [DEVICE]  compares emoji with a user's device
                       (of these two, USER may be left out in a direct chat)
/yes, /no [USER]       whether they are the same; /no also declines or ends a comparison"""

IN_A_ROW = 4  # groups of digits, or emoji with their names: both fit on 60 columns
WARNING = "somebody may sit between you and read along"

# The end of a comparison, by reason; {who} is the other user. Shown as problems, except those that
# one of the two people chose.
REASONS = {
    "mismatched_sas": f"the emoji differ, so {{who}} is NOT verified: {WARNING}",
    "mismatched_commitment": "{who}'s device sent another key than it announced, "
    f"so it is NOT verified: {WARNING}",
    "mismatched_mac": f"the keys behind the emoji differ, so {{who}} is NOT verified: {WARNING}",
    "identity_changed": "{who}'s keys changed meanwhile, so they are not verified; "
    "/safety {who} shows whether they are the right ones",
    "unknown_method": "{who}'s client compares in another way; /safety {who} works with every one",
    "unknown_transaction": "{who}'s device was started anew meanwhile; /verify {who} begins again",
    "timeout": "the comparison with {who} took too long; /verify {who} begins again",
}
OTHER_REASON = "the comparison with {who} broke off; /verify {who} begins again"


class Verifying:
    def __init__(
        self, client: ChatClient, view: View, peer: Callable[[], str | None] = lambda: None
    ) -> None:
        """`peer`: whom the open chat is with, if it is a direct one."""
        self._client, self._view, self._peer = client, view, peer

    def commands(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {"safety": self._safety, "verify": self._verify, "yes": self._yes, "no": self._no}

    # -- commands

    async def _safety(self, rest: str) -> None:
        named = self._named(rest, "/safety USER")
        if named is None:
            return
        user, shown = named
        try:
            if shown:
                await self._compare(user, shown)
            else:
                await self._show(user)
        except NotFound:
            self._view.problem(f"there is no user {user}")

    async def _show(self, user: str) -> None:
        number = await self._client.verification.safety_number(user)
        self._view.notice(f"your safety number with {user}, of all devices of both:")
        for row in _rows(number.groups):
            self._view.notice(row)
        self._view.code(qr.rows(number.code))
        self._view.notice(
            f"if {user} sees the same, nobody sits in between; /safety {user} NUMBER compares it "
            f"with the digits that {user} reads out, or with the content of the QR code there"
        )

    async def _compare(self, user: str, shown: str) -> None:
        if await self._client.verification.compare_safety_number(user, shown):
            self._view.notice("the numbers are the same")
        else:
            self._view.problem(
                f"the numbers differ, so {user} is NOT verified: one of you has a device that the "
                f"other's client does not know yet, or {WARNING}"
            )

    async def _verify(self, rest: str) -> None:
        named = self._named(rest, "/verify USER")
        if named is None:
            return
        user, device = named
        try:
            meant = await self._client.verification.compare(user, device or None)
        except NotFound:
            self._view.problem(f"there is no user {user}")
            return
        if self._client.verification.comparisons().get(meant.name) is Stage.REQUESTED:
            self._view.notice(
                f"{meant.name} is asked to compare emoji with you, by /verify {self._client.user} "
                "there; who is away is waited for, as long as this client runs"
            )

    async def _yes(self, rest: str) -> None:
        found = self._meant(rest, {Stage.COMPARING, Stage.ASKED})
        if found is None:
            return
        user, device = found
        if self._client.verification.comparisons()[f"{user}/{device}"] is Stage.ASKED:
            await self._client.verification.compare(user, device)
            return
        self._client.verification.decide(user, match=True, device=device)
        if self._client.verification.comparisons().get(f"{user}/{device}") is Stage.CONFIRMED:
            self._view.notice(f"waiting for {user} to say so too")

    async def _no(self, rest: str) -> None:
        found = self._meant(rest, set(Stage))
        if found is not None:
            user, device = found
            self._client.verification.decide(user, match=False, device=device)

    # -- what is heard

    def happened(self, event: events.Event) -> None:
        match event:
            case events.VerificationRequested():
                self._view.notice(
                    f"{event.user} ({event.device}) wants to compare emoji with you, to know that "
                    f"nobody sits in between: /verify {event.user} agrees, /no declines"
                )
            case events.EmojiShown():
                self._view.notice(
                    f"compare with {event.user} ({event.device}), by voice or side by side:"
                )
                for row in _rows([f"{picture} {name}" for picture, name in event.emoji]):
                    self._view.notice(row)
                self._view.notice(f"are they the same for {event.user}, in this order? /yes or /no")
            case events.Verified():
                self._view.notice(f"{event.user}/{event.device} is verified")
                self._not_compared(event.user)
            case events.VerificationCancelled():
                self._cancelled(event)
            case _:
                pass

    def _not_compared(self, user: str) -> None:
        """Emoji are about one device."""
        devices = self._client.devices.known(user)
        left = [device.device for device in devices if device.trust is not Trust.VERIFIED]
        if left:
            self._view.notice(
                f"not compared yet: {', '.join(left)}; /safety {user} compares all devices at once"
            )

    def _cancelled(self, event: events.VerificationCancelled) -> None:
        who = event.user
        if event.reason == "user":
            by = who if event.by_peer else "you"
            self._view.notice(f"{by} ended the comparison with {'you' if event.by_peer else who}")
        elif event.reason == "superseded":
            self._view.notice(f"{who} began again")
        else:
            self._view.problem(REASONS.get(event.reason, OTHER_REASON).format(who=who))

    # -- small

    def _named(self, rest: str, usage: str) -> tuple[str, str] | None:
        """The user, and the text after the name."""
        peer = self._peer()
        if peer is not None and (not rest or _is_number(rest)):
            return peer, rest
        user, _, more = rest.partition(" ")
        if USER.fullmatch(user):
            return user, more.strip()
        self._view.problem(f"{usage}: a user name is 3 to 32 of a-z, 0-9 and _")
        return None

    def _meant(self, rest: str, stages: set[Stage]) -> tuple[str, str] | None:
        """(user, device) of the comparison at one of these stages; of the only one, without a name.

        `rest` is `USER` or `USER DEVICE`.
        """
        prefix = rest.replace(" ", "/")
        names = [
            name
            for name, stage in self._client.verification.comparisons().items()
            if stage in stages and (not rest or name == prefix or name.startswith(f"{prefix}/"))
        ]
        if len(names) == 1:
            return user_and_device(names[0])
        if names:
            several = ", ".join(sorted(names)).replace("/", " ")
            self._view.problem(f"which one: {several}?")
        else:
            whose = f" with {rest}" if rest else ""
            self._view.problem(f"there is nothing to say yes or no to{whose} now")
        return None


def _is_number(text: str) -> bool:
    """A safety number, perhaps mistyped, without a name: that could be digits as well."""
    digits = text.replace(" ", "").replace("-", "")
    return text.startswith("switchboard:") or (digits.isdecimal() and 32 < len(digits) <= 60)


def _rows(parts: Sequence[str]) -> list[str]:
    return ["  ".join(parts[at : at + IN_A_ROW]) for at in range(0, len(parts), IN_A_ROW)]
