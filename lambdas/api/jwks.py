"""The user pool's public keys: fetched when needed, cached, fetched again after a rotation."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import jwt

from lambdas.errors import internal
from lambdas.telemetry import logger

FRESH_SECONDS = 3600.0
# An unknown key id is a new key after a rotation, or forged: forged ones must not cause a fetch at
# every request.
REFETCH_SECONDS = 10.0
RETRY_SECONDS = 1.0  # after a fetch that failed
TIMEOUT_SECONDS = 2.0

Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """Raises OSError."""
    # the address comes from the template, never from a request
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
        body: bytes = response.read()
        return body


class SigningKeys:
    """RSA public keys by key id. Thread-safe; `clock` is monotonic seconds."""

    def __init__(
        self, url: str, fetch: Fetch = fetch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, Any] = {}
        self._fresh_until = float("-inf")
        self._next_fetch = float("-inf")

    def get(self, kid: str) -> Any:
        """The key, or None for an unknown id. Raises ChatError internal if no key is known."""
        if not self._serves(kid):
            with self._lock:  # one thread fetches, the others wait for its result
                if not self._serves(kid) and self._clock() >= self._next_fetch:
                    self._refresh()
        if not self._keys:
            raise internal()
        return self._keys.get(kid)

    def _serves(self, kid: str) -> bool:
        return kid in self._keys and self._clock() < self._fresh_until

    def _refresh(self) -> None:
        try:
            keys = parse(self._fetch(self._url))
        except (OSError, LookupError, ValueError, TypeError, jwt.PyJWTError) as error:
            # the cached keys stay valid; a request after RETRY_SECONDS fetches again
            logger.warning("could not fetch the signing keys", extra={"fault": repr(error)})
            self._next_fetch = self._clock() + RETRY_SECONDS
            return
        self._keys = keys
        self._fresh_until = self._clock() + FRESH_SECONDS
        self._next_fetch = self._clock() + REFETCH_SECONDS


def parse(document: bytes) -> dict[str, Any]:
    """The RSA signature keys of a JWK Set (RFC 7517).

    Raises LookupError, ValueError, TypeError or PyJWTError for anything else.
    """
    entries = json.loads(document)["keys"]
    return {
        entry["kid"]: jwt.PyJWK(entry, algorithm="RS256").key
        for entry in entries
        if entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig" and "kid" in entry
    }
