"""Questions that the terminal's user answers while the program runs: a password, a code.

The event loop reads the answer itself. A thread that reads can't be ended, so that Ctrl-C would
wait for Enter.
"""

from __future__ import annotations

import sys
from typing import Protocol

from client.cli.options import UsageError


class Ask(Protocol):
    async def __call__(self, prompt: str, *, seen: bool = False) -> str:
        """What is typed; unseen, unless it may be `seen`. Raises UsageError for no answer."""


async def asked(prompt: str, *, seen: bool = False) -> str:
    """Asks in the terminal; the screen, if there is one, steps aside for it.

    Raises UsageError after Ctrl-C and Ctrl-D, and where there is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("this asks for a password, which needs a terminal")
    return await typed(prompt, seen=seen)


async def typed(prompt: str, *, seen: bool) -> str:
    # prompt_toolkit is a third of all that the program loads, and a pipe needs nothing of it
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import in_terminal

    async with in_terminal():
        session: PromptSession[str] = PromptSession(is_password=not seen)
        try:
            return await session.prompt_async(prompt)
        except (KeyboardInterrupt, EOFError):
            raise UsageError("nothing was typed, and nothing has changed") from None
