"""People with many common chats: any number of sessions, in seconds, through the real handlers."""

import pytest

from tests.client.crypto.scene import Scene


@pytest.mark.parametrize("chats", [16, pytest.param(60, marks=pytest.mark.deep)])
def test_two_new_devices_read_the_texts_of_all_common_groups_at_once(chats: int) -> None:
    scene = Scene("ravi/phone", "raju/phone")
    groups = [scene.group("ravi", "raju") for _ in range(chats)]
    for address in ("ravi/laptop", "raju/laptop"):
        scene.add(address).connect()
    for group in groups:
        for device in scene.devices.values():
            device.store.describe(group, "group")
    scene.settle()
    for number, group in enumerate(groups):
        scene["ravi/phone"].send(group, f"text {number}")
    scene.settle(seconds=5)
    for address in ("ravi/laptop", "raju/phone", "raju/laptop"):
        read = [scene[address].texts(group) for group in groups]
        assert read == [[f"text {number}"] for number in range(chats)], address
    taken = 10 - len(scene.backend.one_time_keys("raju", "phone"))
    assert taken == 6  # the limit protects the stock: the others began with the fallback key
    scene.close()
