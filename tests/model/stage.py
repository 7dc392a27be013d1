"""The start of the model's scenes: all users but one are there, and nothing is under way."""

from tests.model.device import Device
from tests.model.schedule import Schedule
from tests.model.world import calm

SEED = 80  # with which the mistakes of test_crashes.py and test_late_messages.py are noticed
AWAY = "raju/phone"


def device_of(schedule: Schedule, address: str) -> Device:
    return next(each for each in schedule.devices if each.address == address)


def stage() -> Schedule:
    """Everybody has a phone; all but raju's are connected, and have nothing to do."""
    schedule = Schedule(SEED)
    with calm(schedule.world):
        for device in schedule.devices:
            if not device.connected():
                schedule.connecting.connect(device)
        schedule._settle()
        schedule.connecting.leave(device_of(schedule, AWAY))
        schedule._settle()
    schedule.world.faults = False
    return schedule
