"""Requests that a foreign web page made, which every listener rejects.

A browser runs anybody's pages on the machine that the emulator runs on, and lets them send
requests to it:

- from their own origin. The browser then says which, in `Origin`: only pages of this machine may.
- after their name was made to lead here (DNS rebinding). The page may then read the responses, and
  `Host` has that name: only names that can't be led anywhere else get a response.

AWS's own endpoints take any origin, and ask for a signature instead; those of the emulator take any
credentials. A Network Load Balancer does not look: it passes bytes on unread.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container
from urllib.parse import urlsplit

Allowed = Callable[[str], bool]


def reason(
    host: str | None,
    origin: str | None,
    allowed: Allowed = lambda _name: False,
    pages: Container[str] = (),
) -> str | None:
    """The reason to reject a request, None if there is none; by its headers, None where there is
    none.

    `allowed` says whether another name than this machine's is expected as the host; pages of the
    names in `pages` are the template's own.
    """
    if host is not None:
        name = _name_of(f"//{host}")
        if name is None or not (is_this_machine(name) or allowed(name)):
            return f"this is not {host!r}: only this machine's own names get a response here"
    if origin is not None:
        name = _name_of(origin)
        if name is None or not (is_this_machine(name) or name in pages):
            return f"requests from the origin {origin!r} are not taken"
    return None


def is_this_machine(name: str) -> bool:
    """Whether a name always leads to this machine: RFC 6761, 6.3, and the loopback addresses."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _name_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
