"""The choice of a connection's target, by rendezvous hashing of its source.

Each pair of a source and a target has a score, and the target with the highest one is the source's.
So no table is needed, and a change moves as few sources as it can: those of a target that goes are
spread over the rest, and a new one takes its share evenly from all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol, TypeVar


class Candidate(Protocol):
    @property
    def id(self) -> str:
        """Unique in the target group, and never given to another target."""


AnyCandidate = TypeVar("AnyCandidate", bound=Candidate)


def key_of(source_ip: str, source_port: int, *, sticky: bool) -> str:
    """The text that is hashed: with stickiness by `source_ip` the address alone; otherwise the
    flow, of which only the source differs from connection to connection here."""
    return source_ip if sticky else f"{source_ip}:{source_port}"


def choose(key: str, targets: Iterable[AnyCandidate]) -> AnyCandidate | None:
    """The same target for the same key as long as it is among them; None without targets."""
    return max(targets, key=lambda target: (_score(key, target.id), target.id), default=None)


def _score(key: str, target_id: str) -> bytes:
    # Not hash(): that differs from process to process, and a restart must not move sources.
    return hashlib.blake2b(key.encode(), key=target_id.encode()[:64], digest_size=8).digest()
