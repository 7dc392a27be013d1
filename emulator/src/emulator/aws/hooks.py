"""Replaces methods of moto by name, and only if they exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def replace(owner: type, name: str, function: Callable[..., Any]) -> None:
    """Put `function` in the place of `owner.name`.

    Raises AttributeError where another version of moto has no such method, rather than leaving
    the emulator with what moto does by itself.
    """
    if not hasattr(owner, name):
        raise AttributeError(f"this version of moto has no {owner.__name__}.{name}")
    setattr(owner, name, function)
