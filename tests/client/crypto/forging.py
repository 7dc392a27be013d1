"""Devices that seal messages which no client of this project would seal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from client.crypto import sealing
from client.crypto.envelope import Envelope, write
from client.crypto.padding import pad

Inside = dict[str, Any]


@contextmanager
def forged(change: Callable[[Inside], object], *, kind: str = "text") -> Iterator[None]:
    """The inside of every message of that kind is as `change` leaves it."""

    def forge(envelope: Envelope) -> bytes:
        inside = json.loads(write(envelope))
        if inside["kind"] == kind:
            change(inside)
        return pad(json.dumps(inside).encode())  # escaped: half a character fits in as well

    with mock.patch.object(sealing, "write", forge):
        yield
