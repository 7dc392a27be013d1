"""What others hold of a user's devices: every change is announced after it is stored, in the end.

A process that changes a device ends in front of each of its calls, and another request for a device
of the same user comes in front of each of them. Who shares a chat looks up the devices at each
`devices_changed`. After the next request for any device of the user they know what stands.
"""

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

import pytest

from lambdas.frames import Frame
from tests.model.gateway import Socket
from tests.model.races import MOST_CALLS, Act, Scene, begun, run
from tests.model.small import small
from tests.model.test_races import REGISTERED, begins, friends, registers, removes

CHANGES: dict[str, tuple[tuple[Act, ...], Act]] = {
    "a device is registered": ((), registers("raju", "desk")),
    "a device gets other keys": (REGISTERED, registers("raju", "desk", "raju/one")),
    "other keys overtake a new device": ((), registers("raju", "desk", "raju/one")),
    "a device is removed": (REGISTERED, removes("raju", "desk")),
}
MEANWHILE: dict[str, Act] = {
    "another device": registers("raju", "tablet"),
    "the same device": registers("raju", "desk"),
}


@pytest.fixture(autouse=True)
def unexpected() -> Iterator[list[BaseException]]:
    with small() as found, redirect_stdout(StringIO()):
        yield found


class Looker:
    """Ravi, who shares a chat with raju and looks up raju's devices when they change."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.known = self.looks_up()
        scene.services.gateway.on_post = self._on_post

    def looks_up(self) -> dict[str, str]:
        """As the tables are: in the middle of another request."""
        users = self._scene.world.database._items["Users"]["raju"]
        names = users["devices"]["devices"]["M"] if "devices" in users else {}
        keys = {name: users.get(f"device#{name}") for name in names}
        return {name: item["ed25519"]["S"] for name, item in keys.items() if item}

    def _on_post(self, socket: Socket, frame: Frame) -> None:
        if socket.user == "ravi" and frame["type"] == "devices_changed":
            self.known = self.looks_up()


def test_other_keys_are_announced_after_they_are_stored() -> None:
    assert _wrong("a device gets other keys", "another device", afterwards=4) == []


@pytest.mark.deep
@pytest.mark.parametrize("other", MEANWHILE)
@pytest.mark.parametrize("name", CHANGES)
def test_every_change_of_a_device_is_announced_after_it_is_stored(name: str, other: str) -> None:
    assert _wrong(name, other) == []


def _wrong(name: str, other: str, afterwards: int = MOST_CALLS) -> list[tuple[int, int]]:
    """How many calls come before the other request, and after it, where others know too little."""
    (begin, change), wrong = CHANGES[name], []
    for before in range(MOST_CALLS):
        for after in range(afterwards):
            scene = Scene()
            for act in (friends, begins("ravi", "raju"), *begin):
                act(scene)
            looker = Looker(scene)
            task = begun(scene, change)
            run(scene, task, before)
            MEANWHILE[other](scene)
            run(scene, task, after)
            over = task.done
            run(scene, task, 1, kill=True)
            registers("raju", "phone")(scene)
            if looker.known != looker.looks_up():
                wrong.append((before, after))
            if over:
                break
        if over and not after:
            break
    assert before > 3
    return wrong
