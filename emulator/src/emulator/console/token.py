"""The console's token: a secret in its address, in a file beside the emulator's others.

Host and Origin are the checks that a web page fails. Another user of this machine sends whichever
headers they like, and the console shows what clients sent, with their access tokens, and ends
processes. Who may read the file, or was given the address, may open it: a capability URL
(https://www.w3.org/TR/capability-urls/). A cookie would not do: it is sent to every port of a host.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import unquote

NAME = "console-token"
_BYTES = 12  # 96 bits


def read_or_make(state: Path) -> str:
    """The same one at each start, so that a page that is open goes on."""
    file = state / NAME
    try:
        known = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        known = ""
    if known:
        return known
    state.mkdir(parents=True, exist_ok=True)
    made = new()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(made)
    return made


def new() -> str:
    return secrets.token_urlsafe(_BYTES)


def behind(path: str, token: str) -> str | None:
    """The part of a path behind the token, as it was sent; None where the token is missing."""
    first, _, rest = path.removeprefix("/").partition("/")
    return f"/{rest}" if is_in(unquote(first), token) else None


def is_in(segment: str, token: str) -> bool:
    """Compared in constant time."""
    return secrets.compare_digest(segment.encode(errors="replace"), token.encode())
