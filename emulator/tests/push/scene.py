"""Keys and a clock for servers of pushes."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import serialization

NOW = 1_800_000_000.0
BUNDLE = "com.example.chat"


def private(key: Any) -> Any:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public(key: Any) -> Any:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now
