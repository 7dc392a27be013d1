"""Sticky sessions: the cookies that bind a client to a target, and to a target group.

What is in them is sealed with AES-GCM under a key made at the start, so a client can neither read
nor write it; a new start forgets them, as AWS's rotating key would. (Fernet would do the same for
ten times the time, 20 us a request.)

Source: "Sticky sessions for your Application Load Balancer" and "Forward actions", user guide of
Application Load Balancers; the form of the headers is that of real responses.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from emulator.balancer.properties import number_within
from emulator.providers import EmulatorError

TARGET, GROUP, APPLICATION = "AWSALB", "AWSALBTG", "AWSALBAPP"
CORS = "CORS"  # the twin's ending: some browsers send only SameSite=None across origins
REMOVE = "_remove_"  # AWSALBAPP's value where there is nothing to keep
SHARDS = 4
SHARD_BYTES = 4000  # a browser takes 4,096 with the name and the attributes

SHORTEST, LONGEST = 1, 7 * 24 * 3600
DEFAULT_SECONDS = 24 * 3600
EXPIRES_SECONDS = 7 * 24 * 3600  # the browser's; how long it binds is sealed within

_NONCE_BYTES = 12
_CHROMIUM = re.compile(r"\b(?:Chrome|Chromium)/(\d+)")
_FIRST_CHROMIUM = 80  # from here on cookies without SameSite are Lax


@dataclass(frozen=True)
class Stickiness:
    """The stickiness of a target group: `lb_cookie`, or `app_cookie` with the name of the
    application's own. `seconds` from one response to the next request, on the template's clock."""

    seconds: int
    cookie: str | None = None

    @property
    def kind(self) -> str:
        return "lb_cookie" if self.cookie is None else "app_cookie"


def read_stickiness(where: str, attributes: Mapping[str, str]) -> Stickiness | None:
    """Reads a target group's stickiness; None where it is off. Raises EmulatorError for what AWS
    rejects."""
    if attributes.get("stickiness.enabled", "false") != "true":
        return None
    kind = attributes.get("stickiness.type", "lb_cookie")
    if kind not in ("lb_cookie", "app_cookie"):
        raise EmulatorError(
            f"{where}: stickiness.type {kind} is not one that an application load balancer has: "
            "use lb_cookie or app_cookie"
        )
    name = f"stickiness.{kind}.duration_seconds"
    given = attributes.get(name, DEFAULT_SECONDS)
    seconds = number_within(where, name, given, SHORTEST, LONGEST, "s")
    if kind == "lb_cookie":
        return Stickiness(seconds)
    cookie = attributes.get("stickiness.app_cookie.cookie_name", "")
    if not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", cookie):
        raise EmulatorError(
            f"{where}: stickiness.app_cookie.cookie_name {cookie!r} is not a cookie's name: set it "
            "to the one that the application sets"
        )
    if cookie.startswith(TARGET):
        raise EmulatorError(
            f"{where}: stickiness.app_cookie.cookie_name {cookie}: names that start with {TARGET} "
            "are the load balancer's own: take another one"
        )
    return Stickiness(seconds, cookie)


class StickySession(NamedTuple):
    """The content of a cookie: the target ("" for a group's cookie), and since when."""

    target: str
    since: float


StickySessions = dict[str, StickySession]
"""By target group's ARN. Only AWSALBAPP has several: one for each group it met."""


class Seal:
    """`random_bytes(n)` gives n bytes that nobody can guess, for the key and each nonce."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._cipher = AESGCM(random_bytes(16))

    def close(self, cookie: str, sessions: StickySessions) -> str:
        """Text that is a cookie's value; `cookie` is its name, and it opens under no other."""
        lines = "\n".join(
            f"{arn}\t{session.target}\t{session.since}" for arn, session in sessions.items()
        )
        nonce = self._random_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, lines.encode(), cookie.encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, cookie: str, value: str) -> StickySessions:
        """Empty for what `close` didn't make."""
        try:
            sealed = base64.b64decode(value, validate=True)
            nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            lines = self._cipher.decrypt(nonce, rest, cookie.encode()).decode().split("\n")
        except (binascii.Error, InvalidTag, ValueError):
            return {}
        sessions = {}
        for line in lines:
            arn, target, since = line.split("\t")
            sessions[arn] = StickySession(target, float(since))
        return sessions


def cookies_of(headers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A request's cookies; of two with one name the first, which is the more specific one."""
    cookies: dict[str, str] = {}
    for line in headers.get("cookie", ()):
        for pair in line.split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                cookies.setdefault(name, value)
    return cookies


def sessions_of(seal: Seal, cookie: str, cookies: Mapping[str, str]) -> StickySessions:
    """The sessions in AWSALB or AWSALBTG; the twin cookie alone is enough."""
    for name in (cookie, cookie + CORS):
        if name in cookies:
            sessions = seal.open(cookie, cookies[name])
            if sessions:
                return sessions
    return {}


def application_sessions(seal: Seal, cookies: Mapping[str, str]) -> StickySessions:
    value = ""
    for shard in range(SHARDS):
        part = cookies.get(f"{APPLICATION}-{shard}", REMOVE)
        if part == REMOVE:
            break
        value += part
    return seal.open(APPLICATION, value)


def cookie_pair(cookie: str, value: str, wall: float) -> list[str]:
    """AWSALB or AWSALBTG as two values of Set-Cookie; `wall` in epoch seconds.

    Over plain HTTP AWS's twin has no Secure, and browsers drop it. On a laptop they take Secure
    from 127.0.0.1, so the twin is here what it is behind HTTPS.
    """
    attributes = f"Expires={_expires(wall)}; Path=/"
    return [
        f"{cookie}={value}; {attributes}",
        f"{cookie}{CORS}={value}; {attributes}; SameSite=None; Secure",
    ]


def shards(value: str | None, wall: float, cross_origin: bool) -> list[str]:
    """AWSALBAPP-0 to -3 as values of Set-Cookie, `_remove_` in those that aren't needed; None
    where the client is bound to nothing."""
    parts = _parts(value or "")
    parts += [REMOVE] * (SHARDS - len(parts))
    attributes = f"Expires={_expires(wall)}; Path=/"
    if cross_origin:
        attributes += "; SameSite=None; Secure"
    return [f"{APPLICATION}-{n}={part}; {attributes}" for n, part in enumerate(parts)]


def _parts(value: str) -> list[str]:
    return [value[at : at + SHARD_BYTES] for at in range(0, len(value), SHARD_BYTES)]


def fits(value: str) -> bool:
    return len(value) <= SHARDS * SHARD_BYTES


def needs_same_site(headers: Mapping[str, Sequence[str]]) -> bool:
    """A request from another origin by Chromium 80 or above; AWSALBAPP has no twin for it."""
    agent = _CHROMIUM.search(" ".join(headers.get("user-agent", ())))
    return "origin" in headers and agent is not None and int(agent[1]) >= _FIRST_CHROMIUM


def sets_cookie(response_headers: Iterable[tuple[str, str]], cookie: str) -> bool:
    """Only the name counts, whatever the value and when it expires."""
    return any(
        name.lower() == "set-cookie" and value.partition("=")[0].strip() == cookie
        for name, value in response_headers
    )


def _expires(wall: float) -> str:
    return formatdate(wall + EXPIRES_SECONDS, usegmt=True)
