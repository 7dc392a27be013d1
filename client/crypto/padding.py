"""Padding of plaintexts to size buckets, so that a ciphertext's length says little. Pure."""

from __future__ import annotations

BUCKETS = (64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384)
STEP = 4_096  # above the largest bucket


def bucket(size: int) -> int:
    """The bytes that a plaintext of `size` bytes takes once it is padded."""
    for limit in BUCKETS:
        if size <= limit:
            return limit
    return -(-size // STEP) * STEP


def pad(document: bytes) -> bytes:
    """JSON followed by spaces, which JSON ignores: nothing has to be taken off."""
    return document.ljust(bucket(len(document)), b" ")
