"""Hooks into moto: functions and methods replaced by name, and only if they exist."""

from __future__ import annotations


def replace(owner: object, name: str, function: object) -> None:
    """Put `function` in the place of `owner.name`.

    Raises AttributeError where another version of moto has no such function, rather than leaving
    the emulator with what moto does by itself.
    """
    if not hasattr(owner, name):
        raise AttributeError(f"this version of moto has no {owner!r}.{name}")
    setattr(owner, name, function)
