"""`python -m client link`: a terminal that a signed-in device lets in, without a password here."""

from __future__ import annotations

import asyncio
import platform
import re
from collections.abc import Callable

from client.cli import qr
from client.cli.options import Options, UsageError, remember_device
from client.cli.text import one_line
from client.crypto.link import QR, in_groups
from client.errors import CannotLink
from client.linking import Linked, NewDevice

Ask = Callable[[str], str]
Say = Callable[[str], None]


def label() -> str:
    """What this device calls itself: printable ASCII, 64 characters at most."""
    return re.sub("[^ -~]", "?", f"terminal on {platform.node() or 'a computer'}")[:64]


def link_device(options: Options, ask: Ask = input, say: Say = print) -> None:
    """Shows a code until a signed-in device confirms it, and then stores the new device.

    Raises CannotLink, UsageError.
    """
    agree(options, asyncio.run(show_code(options, say)), ask, say)


async def show_code(options: Options, say: Say) -> Linked:
    """Returns when a signed-in device has confirmed it. Raises CannotLink, UsageError."""
    if options.api is None:
        raise UsageError("nothing runs here: start it with make dev, or name a backend with --api")
    device = NewDevice(options.api, options.device, label())
    try:
        seconds = await device.ask()
        code = device.offer.code
        for line in qr.rows(QR + code):
            say(qr.coloured(line))
        say(f"* on a device of yours that is signed in: /link {in_groups(code)}")
        say(f"* or scan this in the settings of the page, under devices; good for {seconds:.0f} s")
        return await device.confirmed(seconds)
    finally:
        await device.close()


def agree(options: Options, linked: Linked, ask: Ask, say: Say) -> None:
    """Asks whose account this is, and stores the device. Not in an event loop: Ctrl-C there would
    wait for the thread that reads. Raises CannotLink."""
    made = linked.confirmation
    # Somebody else who saw the code could have confirmed it, for an account of their own.
    question = f"this becomes a device of {made.user}, let in by {made.by}; is that you? [y/N] "
    try:
        answer = ask(question)
    except EOFError:  # nobody is there to agree
        answer = "no"
    if answer.strip().lower() not in ("y", "yes"):
        say("* nothing was changed here; sign-ins end with /signout all on the other device")
        return
    if not remember_device(options.data, made.user, made.device):
        raise CannotLink("here")
    linked.install(options.data / f"{made.user}-{made.device}.sqlite", options.passphrase)
    say(one_line(f"* linked; now: make chat user={made.user}"))
