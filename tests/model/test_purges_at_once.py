"""Two watches at once purge a chat, each as far as the devices were when it looked: in every order
of their calls, the mark of what is purged only grows."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

import pytest

from lambdas.attribute_values import from_wire
from lambdas.delivery import purge
from tests.model.expressions import Item
from tests.model.mutant import edited
from tests.model.races import MOST_CALLS, Act, Scene, begun, run
from tests.model.small import small
from tests.model.test_races import GROUP, sends

MESSAGES = 5


def purges(up_to: int) -> Act:
    return lambda scene: purge.purge(scene.services.chats, scene.chat, up_to, scene.world.now)


def expires(scene: Scene) -> None:
    """A watch learns that the last but one has expired, and the others with it."""
    later = scene.world.now + 31 * 86_400
    purge.expire(scene.services.chats, scene.chat, 0, MESSAGES - 1, later)


PAIRS = {
    "2 and 5": (purges(2), purges(5), 5),
    "5 and 2": (purges(5), purges(2), 5),
    "2 and expired": (purges(2), expires, 4),
    "expired and 5": (expires, purges(5), 5),
}


@pytest.fixture(autouse=True)
def unexpected() -> Iterator[list[BaseException]]:
    with small() as found, redirect_stdout(StringIO()):
        yield found


def _marks(first: Act, second: Act) -> Iterator[list[int]]:
    """Each mark that was written, with each number of calls of the first before the second."""
    for before in range(MOST_CALLS):
        scene, marks = Scene(), list[int]()
        for act in (*GROUP, *(sends("ravi", number) for number in range(1, MESSAGES + 1))):
            act(scene)

        def on_write(
            _table: str, _old: Item | None, new: Item | None, marks: list[int] = marks
        ) -> None:
            item = from_wire(new) if new else {}
            marks += [item["purged_to"]] if item.get("item") == "head" else []

        scene.world.database.listeners.append(on_write)
        tasks = [begun(scene, act) for act in (first, second)]
        run(scene, tasks[0], before)
        over = tasks[0].done
        for task in reversed(tasks):
            run(scene, task, MOST_CALLS)
            assert not isinstance(task.result, Exception), task.result
        yield marks
        if over:
            return


@pytest.mark.parametrize("name", PAIRS)
def test_the_mark_of_two_purges_only_grows(name: str) -> None:
    first, second, last = PAIRS[name]
    found = list(_marks(first, second))
    assert len(found) > 1
    assert all(marks == sorted(marks) and marks[-1] == last for marks in found), found


def test_two_purges_that_move_the_mark_back_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    change = ('"purged_to < :to"', '"attribute_exists(chat)"')
    mutant = edited("two_purges_move_the_mark_back", (purge, "raise_mark"), change, "")
    monkeypatch.setattr(mutant.owner, mutant.attribute, mutant.instead)
    assert any(marks != sorted(marks) for marks in _marks(purges(2), purges(5)))
