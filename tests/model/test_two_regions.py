"""The design for two regions (docs/decisions/0070), in a small model: no code of it exists yet.

Replicas hold a chat's log. Writes are conditional in their own region, and reach the other one late
or, when a region is lost, never; the last writer wins, as in a global table.
"""

from dataclasses import dataclass, field
from random import Random

import pytest

LEFT_OUT = 1_000  # positions, at a move
SCHEDULES = 300


@dataclass
class Region:
    """`log` by position; `outgoing` has what the other region does not have yet."""

    head: int = 0
    log: dict[int, str] = field(default_factory=dict)
    outgoing: list[tuple[int, int, str]] = field(default_factory=list)

    def accept(self, text: str) -> int:
        """A position is taken by a conditional update of the head, in this region."""
        self.head += 1
        self.log[self.head] = text
        self.outgoing.append((self.head, self.head, text))
        return self.head

    def leave_out(self) -> None:
        self.head += LEFT_OUT


@dataclass
class World:
    regions: tuple[Region, Region] = field(default_factory=lambda: (Region(), Region()))
    accepted: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # on the one device that reads
    watermark: int = 0
    lag_took: list[str] = field(default_factory=list)

    def send(self, region: int) -> None:
        text = f"text {len(self.accepted)}"
        self.accepted.append(text)
        self.regions[region].accept(text)

    def replicate(self, region: int) -> None:
        """One write, which is the last word on its items."""
        other = self.regions[1 - region]
        if self.regions[region].outgoing:
            head, position, text = self.regions[region].outgoing.pop(0)
            other.log[position] = text
            other.head = max(other.head, head)

    def read(self, region: int) -> None:
        """The device takes what stands above its watermark, and acknowledges it by position."""
        log = self.regions[region].log
        new = sorted(position for position in log if position > self.watermark)
        self.shown += [log[position] for position in new]
        self.watermark = max((self.watermark, *new))

    def lose(self, region: int) -> None:
        """With what it had not replicated, of which the device may have seen some."""
        self.lag_took += [text for _, _, text in self.regions[region].outgoing]
        self.regions[region].outgoing.clear()

    def lost(self) -> set[str]:
        """What was accepted, was not taken by the lag, and is shown to nobody."""
        return set(self.accepted) - set(self.shown) - set(self.lag_took)


def failover(random: Random, *, left_out: bool) -> World:
    """A home that is lost at some moment, and the other region that goes on."""
    world = World()
    for _ in range(random.randint(1, 20)):
        random.choice((world.send, world.send, world.replicate, world.read))(0)
    world.lose(0)
    if left_out:
        world.regions[1].leave_out()
    for _ in range(random.randint(1, 10)):
        random.choice((world.send, world.read))(1)
    world.read(1)
    return world


def both_take_positions(random: Random) -> World:
    world = World()
    for _ in range(random.randint(2, 20)):
        region = random.randint(0, 1)
        random.choice((world.send, world.replicate, world.read))(region)
    for region in (0, 1):
        while world.regions[region].outgoing:
            world.replicate(region)
    world.read(0)
    world.read(1)
    return world


@pytest.mark.parametrize("left_out", [True, False])
def test_with_one_home_nothing_accepted_after_a_move_is_lost_if_positions_are_left_out(
    left_out: bool,
) -> None:
    lost = [failover(Random(seed), left_out=left_out).lost() for seed in range(SCHEDULES)]
    assert any(lost) is not left_out


def test_a_device_shows_nothing_twice_after_a_move() -> None:
    for seed in range(SCHEDULES):
        shown = failover(Random(seed), left_out=True).shown
        assert len(shown) == len(set(shown))


def test_positions_that_both_regions_take_lose_texts() -> None:
    assert any(both_take_positions(Random(seed)).lost() for seed in range(SCHEDULES))
