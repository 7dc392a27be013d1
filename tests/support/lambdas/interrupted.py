"""A call to a table that something else comes before."""

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.tables import Table

CALLS = ("get", "put", "update", "delete", "query", "batch_get", "batch_write")


def interrupt(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> list[str]:
    """Calls `act` once, before the call of that number; the calls that were made."""
    made: list[str] = []

    def interrupted(name: str) -> Callable[..., Any]:
        call = getattr(Table, name)

        def wrapper(*args: Any, **options: Any) -> Any:
            made.append(name)
            if len(made) == number:
                act()
            return call(*args, **options)

        return wrapper

    for name in CALLS:
        monkeypatch.setattr(Table, name, interrupted(name))
    return made
