"""Two devices that compare emoji, without a network between them."""

from random import Random
from typing import Any

from client.core.events import EmojiShown, VerificationCancelled
from client.crypto.envelope import Device
from client.crypto.sas import Stage
from client.crypto.verifications import Effect, Proved, Say, Verifications

RAJU = Device("raju/phone", "WmAy8Cb1cEUGsvBjZWTZNPCZBWhGBwiXyBhMHOgnDnM")
RAVI = Device("ravi/phone", "LZv1Lr9yj6Xkdsun/oNHGbe1w3cal+kpnuOq14h37uQ")
MIRA = Device("ravi/phone", "2Wschpj9eWbK4y7ImZOgP355iEg9k9QIR5yxWF9HaKk")  # passes for ravi
CHAT = "chat"
Fields = dict[str, Any]


class Side:
    """One device: it keeps the steps that it sent and the events that it reported."""

    def __init__(self, me: Device, believes: Device, seed: int) -> None:
        self.me, self.peer = me, believes
        self.machine = Verifications(me, Random(seed))
        self.sent: list[Fields] = []
        self.reported: list[Effect] = []
        self.now = 0.0

    def do(self, effects: list[Effect]) -> list[Fields]:
        """The steps it sends now."""
        sent = [effect.fields for effect in effects if isinstance(effect, Say)]
        self.reported += [effect for effect in effects if not isinstance(effect, Say)]
        self.sent += sent
        return sent

    def start(self) -> list[Fields]:
        return self.do(self.machine.start(CHAT, self.peer, self.now))

    def receives(self, *steps: Fields) -> list[Fields]:
        sent = []
        for step in steps:
            sent += self.do(self.machine.received(CHAT, self.peer, step, self.now))
        return sent

    def confirms(self, match: bool) -> list[Fields]:
        return self.do(self.machine.decide(self.peer.name, match, self.now))

    def waits(self, seconds: float) -> list[Fields]:
        self.now += seconds
        return self.do(self.machine.due(self.now))

    @property
    def stage(self) -> Stage | None:
        return self.machine.stage(self.peer.name)

    @property
    def emoji(self) -> Any:
        shown = [event.emoji for event in self.reported if isinstance(event, EmojiShown)]
        return shown[-1] if shown else None

    @property
    def verified(self) -> bool:
        return Proved(self.peer) in self.reported

    @property
    def cancelled(self) -> list[tuple[str, bool]]:
        return [
            (event.reason, event.by_peer)
            for event in self.reported
            if isinstance(event, VerificationCancelled)
        ]


def pair() -> tuple[Side, Side]:
    return Side(RAJU, RAVI, 1), Side(RAVI, RAJU, 2)


def names(steps: list[Fields]) -> list[str]:
    return [step["step"] for step in steps]


def comparing(raju: Side, ravi: Side) -> None:
    """Both see emoji; raju has started."""
    ravi.receives(*raju.start())
    key = raju.receives(*ravi.start())
    raju.receives(*ravi.receives(*key))


def reached(stage: str) -> tuple[Side, Side]:
    """raju started; ravi is at `stage`."""
    raju, ravi = pair()
    if stage == "asked":
        ravi.receives(*raju.start())
    elif stage == "agreed":
        ravi.receives(*raju.start())
        ravi.start()
    else:
        comparing(raju, ravi)
        if stage == "confirmed":
            ravi.confirms(True)
        elif stage == "proved":
            ravi.confirms(True)
            ravi.receives(*raju.confirms(True))
    return raju, ravi
