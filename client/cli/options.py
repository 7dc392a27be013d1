"""The options of the command line; what they leave out comes from .local/endpoints.json."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import os
import re
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from client.chats import USER
from client.errors import ClientError

STATE_DIR = ".local"
DEVICE = re.compile(r"[A-Za-z0-9_-]{1,64}")
PASSWORD_VARIABLE = "SWITCHBOARD_PASSWORD"  # noqa: S105 - its name
PASSPHRASE_VARIABLE = "SWITCHBOARD_PASSPHRASE"  # noqa: S105 - its name
# Good for a system that lives on this machine until Ctrl-C, and for nothing else.
LOCAL_PASSWORD = "Only-on-this-machine-1"  # noqa: S105

DESCRIPTION = """\
Chats with a Switchboard backend.

  make chat user=ravi to=raju     chat as ravi; signs up on the first start
  make link                       a terminal that another device of yours lets in
  make phone user=raju            the pushes that raju's phone holds (emulator)

These options go into ARGS, as in: make chat user=ravi ARGS="--device tablet"
"""


class UsageError(ClientError):
    """The command cannot run as it was given; the message says what to do."""


@dataclass(frozen=True)
class Options:
    """`command` is `chat`, `link` or `phone`; who links a device has no `user` yet."""

    command: str
    user: str
    device: str
    api: str | None
    data: Path
    password: Callable[[], str]
    platform: str | None
    to: str | None
    endpoints: dict[str, Any]
    local_password: bool = False
    reset_password: bool = False

    @property
    def passphrase(self) -> str | None:
        """What this device's keys are encrypted under; None for a key in a file beside them."""
        return os.environ.get(PASSPHRASE_VARIABLE) or None

    @property
    def store(self) -> Path:
        return self.data / f"{self.user}-{self.device}.sqlite"


def parse(arguments: Sequence[str], directory: Path) -> Options:
    """Raises UsageError; argparse itself exits on what it does not understand."""
    command = arguments[0] if arguments[:1] in (["phone"], ["link"]) else "chat"
    given = _PARSERS[command]().parse_args(arguments[command != "chat" :])
    named = [given.user, *([given.to] if command == "chat" and given.to is not None else [])]
    for user in named if command != "link" else ():
        if not USER.fullmatch(user):
            raise UsageError(f"{user!r} is no user name: 3 to 32 of a-z, 0-9 and _")
    if command == "chat" and given.to == given.user:
        raise UsageError("a chat is with somebody else: name another user after --to")
    if given.device is not None and not DEVICE.fullmatch(given.device):
        raise UsageError(f"{given.device!r} is no device name: 1 to 64 of A-Z, a-z, 0-9, _ and -")
    found, endpoints = _endpoints(directory)
    api = given.api or endpoints.get("api")
    local = api is not None and api == endpoints.get("api")
    chat = command == "chat"
    data = given.data or _data(found, api, local)
    return Options(
        command=command,
        user=given.user,
        device=given.device
        or (_new_name() if command == "link" else _device(data, given.user, make=chat)),
        api=api,
        data=data,
        password=_password(given.password, given.user, local) if chat else str,
        platform=None if not chat or given.platform == "none" else given.platform,
        to=given.to if chat else None,
        endpoints=endpoints,
        reset_password=chat and given.reset_password,
        local_password=local and not (chat and given.password) and not _from_environment(),
    )


def _chat_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m client",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--user", required=True, help="who you are: a-z, 0-9 and _, 3 to 32")
    parser.add_argument("--to", metavar="USER", help="open the chat with this user at once")
    parser.add_argument(
        "--password", help=f"else ${PASSWORD_VARIABLE}, a prompt, or with the emulator a fixed one"
    )
    parser.add_argument(
        "--reset-password", action="store_true", help="for a forgotten one: asks for a mailed code"
    )
    parser.add_argument(
        "--platform",
        choices=["fcm", "apns", "apns_sandbox", "none"],
        default="fcm",
        help="where pushes for this device go (default: fcm)",
    )
    _add_common(parser)
    return parser


def _phone_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m client phone", description="Shows the pushes that a local phone holds."
    )
    parser.add_argument("user")
    _add_common(parser)
    return parser


def _link_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m client link", description="Shows a code that lets this terminal in."
    )
    parser.set_defaults(user="")
    _add_common(parser)
    return parser


_PARSERS = {"chat": _chat_parser, "link": _link_parser, "phone": _phone_parser}


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", help="name of this device (default: phone-..., made once and kept in the state)"
    )
    parser.add_argument("--api", metavar="URL", help="default: what runs on this machine")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help=f"state (default: {STATE_DIR}/clients); its keys are encrypted under "
        f"${PASSPHRASE_VARIABLE}, or a key in a file there",
    )


def _endpoints(directory: Path) -> tuple[Path, dict[str, Any]]:
    """The folder that the emulator writes to, and what it wrote; nothing if it does not run."""
    places = [directory, Path(__file__).parents[2]]
    for place in places:
        file = place / STATE_DIR / "endpoints.json"
        if file.exists():
            try:
                return file.parent, dict(json.loads(file.read_text(encoding="utf-8")))
            except ValueError as error:
                raise UsageError(f"{file} is not JSON: {error}") from error
    return directory / STATE_DIR, {}


def _data(found: Path, api: str | None, local: bool) -> Path:
    """Another backend's users are other users: they get a folder of their own."""
    clients = found / "clients"
    return clients if local or api is None else clients / (urlsplit(api).netloc or "other")


def _device(data: Path, user: str, *, make: bool) -> str:
    """This installation's own name for its device of the user: kept in `data`, made at first.

    For the backend, two installations of the same name are one device: the second one to connect
    would close the connection of the first.
    """
    file = data / f"{user}-device"
    kept = file.read_text(encoding="utf-8", errors="replace").strip() if file.exists() else ""
    if kept:  # an empty one is what a full disk left
        if not DEVICE.fullmatch(kept):
            raise UsageError(f"{file} holds no device name; move it away, or give --device")
        return kept
    name = _new_name()
    if make:
        remember_device(data, user, name)
    return name


def _new_name() -> str:
    return f"phone-{secrets.token_hex(3)}"


def remember_device(data: Path, user: str, device: str) -> bool:
    """Stores that this is the user's device here from now on. False if there is one already."""
    file = data / f"{user}-device"
    if file.exists() and file.stat().st_size > 0:
        return False
    data.mkdir(parents=True, exist_ok=True)
    file.write_text(device, encoding="utf-8")
    return True


def _from_environment() -> str | None:
    return os.environ.get(PASSWORD_VARIABLE)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends what blocks the event loop: the loop's own handler only cancels its task, which
    would wait for Enter (asyncio.Runner, "Handling Keyboard Interruption")."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _password(given: str | None, user: str, local: bool) -> Callable[[], str]:
    def ask() -> str:
        known = given or _from_environment()
        if known:
            return known
        if local:
            return LOCAL_PASSWORD
        if not sys.stdin.isatty():
            raise UsageError(f"a password is needed: --password or ${PASSWORD_VARIABLE}")
        try:
            with _interruptible():
                return getpass.getpass(f"password of {user}: ")
        except EOFError:
            raise UsageError("a password is needed") from None

    return ask
