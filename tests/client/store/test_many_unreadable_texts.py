"""The cost of a step while many texts cannot be read, counted in SQLite's own steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from client.store import Store


def holding(texts: int) -> Store:
    """In each of two chats so many texts of raju's wait; in `c` there is one of ravi's other device."""
    store = Store.open(":memory:", "ravi", "phone")
    rows = [(chat, seq, f"{chat}{seq}", "raju") for chat in "bc" for seq in range(1, texts + 1)]
    with store.transaction() as db:
        db.executemany(
            "INSERT INTO messages (chat, seq, message_id, sender, sender_device, alg, ask_at) "
            "VALUES (?, ?, ?, ?, 'tablet', '', 5)",
            [*rows, ("c", 0, "own", "ravi")],
        )
    return store


def steps_of(store: Store, act: Callable[[], Any]) -> int:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    store.db.set_progress_handler(step, 1)
    act()
    store.db.set_progress_handler(None, 1)
    return steps


def test_the_first_text_that_waits_is_found_at_once_however_many_wait() -> None:
    few, many = holding(3), holding(300)
    assert few.first_waiting("c") == many.first_waiting("c") == 1
    cost = [steps_of(store, partial(store.first_waiting, "c")) for store in (few, many)]
    assert cost[0] == cost[1]
    few.close()
    many.close()


def test_what_one_device_is_to_be_asked_for_is_found_without_the_others() -> None:
    few, many = holding(3), holding(300)
    for store in (few, many):
        with store.transaction() as db:
            db.execute(
                "INSERT INTO messages (chat, seq, message_id, sender, sender_device, alg, ask_at) "
                "VALUES ('c', 1000, 'hers', 'mira', 'web', '', 5)"
            )
        assert store.to_ask("c", "mira/web", 4) == []
        assert store.to_ask("c", "mira/web", 5) == ["hers"]
    cost = [steps_of(store, partial(store.to_ask, "c", "mira/web", 5)) for store in (few, many)]
    assert cost[0] == cost[1]
    few.close()
    many.close()
