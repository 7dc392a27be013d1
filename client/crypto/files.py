"""Encryption of files: AES-256-GCM in chunks, with a key for each file. Pure.

docs/encryption.md describes the format, protocol/vectors/files.json has examples. A key encrypts
one file once: what was encrypted is stored until it is uploaded, and never made again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.errors import FileDamaged

CHUNK = 1 << 20  # bytes of plaintext
TAG = 16
SMALLEST = 4_096


class SealedFile(NamedTuple):
    """`digest` is the SHA-256 of `body`, which is what the backend gets."""

    body: bytes
    digest: bytes


def padded_size(size: int) -> int:
    """The size that a file is filled up to with zeros, at most 12 % more, by Padme.

    So a size tells little more than its order: https://arxiv.org/abs/1806.03160, section 4.
    """
    if size <= SMALLEST:
        return SMALLEST
    exponent = size.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-size // step) * step


def sealed_size(size: int) -> int:
    """The size of the encrypted file, for a file of `size` bytes."""
    padded = padded_size(size)
    return padded + TAG * -(-padded // CHUNK)


def seal(content: bytes, key: bytes) -> SealedFile:
    """`key` are 32 random bytes that nothing else was encrypted with."""
    cipher = AESGCM(key)
    padded = content.ljust(padded_size(len(content)), b"\0")
    body = b"".join(
        cipher.encrypt(nonce, padded[start : start + CHUNK], None)
        for nonce, start in _chunks(len(padded))
    )
    return SealedFile(body, hashlib.sha256(body).digest())


def open_file(body: bytes, key: bytes, digest: bytes, size: int) -> bytes:
    """The content. Raises FileDamaged if it is not what its sender has encrypted, whole."""
    if len(body) != sealed_size(size):
        raise FileDamaged
    if not hmac.compare_digest(hashlib.sha256(body).digest(), digest):
        raise FileDamaged
    cipher = AESGCM(key)
    try:
        padded = b"".join(
            cipher.decrypt(nonce, body[start // CHUNK * (CHUNK + TAG) :][: CHUNK + TAG], None)
            for nonce, start in _chunks(padded_size(size))
        )
    except InvalidTag:
        raise FileDamaged from None
    if any(padded[size:]):
        raise FileDamaged
    return padded[:size]


def _chunks(padded: int) -> Iterator[tuple[bytes, int]]:
    """Nonce and start of each chunk: its number, and whether it is the last (STREAM:
    https://eprint.iacr.org/2015/189)."""
    for number, start in enumerate(range(0, padded, CHUNK)):
        yield number.to_bytes(11, "big") + bytes([start + CHUNK >= padded]), start
