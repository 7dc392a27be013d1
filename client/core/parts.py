"""The parts of an engine: each is made with those that it uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from client.core.arrivals import Arrivals
from client.core.catch_up import CatchUp
from client.core.changes import Changes
from client.core.conversations import Conversations
from client.core.key_requests import KeyRequests
from client.core.liveness import Liveness
from client.core.membership import Membership
from client.core.outbox import Outbox
from client.core.outputs import Fetch, Output, Transmit
from client.core.own_messages import OwnMessages
from client.core.presence import PresencePlan
from client.core.receipts import ReceiptPlan
from client.core.sending import Sending
from client.core.settings import Settings
from client.core.syncing import SyncPlan


class Parts:
    def __init__(self, user: str, device: str, random: Random, settings: Settings) -> None:
        self.settings = settings
        self.outputs: list[Output] = []
        emit = self.emit
        self.sync = SyncPlan(settings, random)
        self.outbox = Outbox(settings, random)
        self.receipts = ReceiptPlan(settings, random)
        self.presence = PresencePlan(settings, random)
        self.liveness = Liveness(settings, random)
        self.keys = KeyRequests(settings, lambda request: emit(Fetch(request)))
        self.own = OwnMessages(user, device, self.outbox, emit)
        self.membership = Membership(user, self.sync, self.own, settings, emit)
        self.changes = Changes(user, emit)
        self.arrivals = Arrivals(user, self.membership, self.keys, self.changes, settings, emit)
        self.chats = Conversations(
            user, self.own, self.membership, self.arrivals, self.receipts, emit
        )
        self.sending = Sending(user, self.keys, self.membership, self.own, settings, emit)
        self.catch_up = CatchUp(
            self.sync, self.chats, self.membership, self.outbox, self.receipts, settings
        )

    def emit(self, output: Output) -> None:
        """Adds an output, which is carried out once the step is on disk."""
        self.outputs.append(output)

    def transmit(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self.outputs += [Transmit(dict(document)) for document in documents]
