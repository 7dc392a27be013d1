"""States of new messages, as the delivery watch finds them. No I/O."""

from collections import Counter
from collections.abc import Collection, Iterable
from enum import Enum

from lambdas.delivery.roster import Lacking, Registered
from lambdas.tables import Item, seq_of


class State(Enum):
    """How far a message has come: the worst state of all its devices. Later ones here are worse."""

    REACHED = "every device has it"
    NUDGED = "it lacks on a device that is connected"
    WOKEN = "it lacks on a device that is woken by a push"
    WAITING = "it lacks on a device that is neither: it waits until that connects"


def states(
    messages: Iterable[Item],
    lacking: Lacking,
    registered: Registered,
    woken: Collection[tuple[str, str, int]],
    now: float,
) -> Counter[State]:
    """How many of `messages` are in each state; `woken` has (user, device, seq)."""
    worst = {seq_of(each): State.REACHED for each in messages}
    order = list(State)
    for (user, device), lacked in lacking.items():
        connected = registered[user][device].connected(now)
        for seq in map(seq_of, lacked):
            rings = (user, device, seq) in woken
            found = State.NUDGED if connected else State.WOKEN if rings else State.WAITING
            worst[seq] = max(worst[seq], found, key=order.index)
    return Counter(worst.values())
