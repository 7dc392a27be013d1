"""Scenes of the backend, and the one act of each whose cost is counted.

tests/lambdas/test_costs.py holds the calls of each against tools/scale/acts.py; `make bench
ARGS=acts` measures what takes time or a real ciphertext: rounds, and bytes of frames and logs.
"""

import secrets
from collections.abc import Callable

from bench import payloads
from lambdas.delivery.push import push
from lambdas.frames import encode
from lambdas.notifications.push_jobs import Job
from lambdas.presence import authorize, connection, tickets
from tests.support.lambdas import events, given, when
from tests.support.lambdas.backend import Backend

Act = Callable[[], object]


def _people(world: Backend, *online: str, away: tuple[str, ...] = ()) -> None:
    for name in (*online, *away):
        given.user(world, name, "phone")
    for name in online:
        given.connected(world, name, "phone")


def _sending(world: Backend) -> Act:
    """A line of text from ravi to raju, as his client encrypts it."""
    chat = given.direct_chat(world, "ravi", "raju")
    sealed = payloads.direct_text(chat, "ravi/phone", ["raju/phone"]).to
    return lambda: when.sends(world, "ravi", chat, to=sealed)


def _text(world: Backend) -> Act:
    _people(world, "ravi", "raju")
    return _sending(world)


def _text_to_somebody_away(world: Backend) -> Act:
    _people(world, "ravi", away=("raju",))
    return _sending(world)


def _text_to(members: int) -> Callable[[Backend], Act]:
    def prepare(world: Backend) -> Act:
        names = [f"member{number}" for number in range(members)]
        _people(world, *names)
        chat = given.group(world, *names)
        sealed = payloads.group_text(chat, "member0/phone").payload
        return lambda: when.sends(world, names[0], chat, payload=sealed)

    return prepare


def _receipt(world: Backend) -> Act:
    _people(world, "ravi", "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    return lambda: when.acknowledges(world, "raju", chat, senders=["ravi"], delivered=1)


def _typing(world: Backend) -> Act:
    _people(world, "ravi", "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    return lambda: when.raw(world, "ravi", "phone", {"action": "typing", "chat": chat})


def _sync(missed: int) -> Callable[[Backend], Act]:
    def prepare(world: Backend) -> Act:
        _people(world, "ravi", "raju")
        chat = given.direct_chat(world, "ravi", "raju")
        for _ in range(missed):
            sealed = payloads.direct_text(chat, "ravi/phone", ["raju/phone"]).to
            when.sends(world, "ravi", chat, to=sealed)
        return lambda: when.syncs(world, "raju")

    return prepare


def _push(world: Backend) -> Act:
    _people(world, "ravi", away=("raju",))
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    vars(world.aws)["sns"] = _Sns()
    return lambda: push(world.aws, Job("raju", chat))


class _Sns:
    def publish(self, **_: object) -> None:
        pass


def _connect(world: Backend) -> Act:
    """With the authorizer, which takes the ticket."""
    _people(world, away=("ravi",))
    ticket = tickets.issue(world.aws.tickets, "ravi", "phone", world.clock(), secrets.token_urlsafe)
    event = events.authorizer(f"chat.v1, ticket.{ticket}")
    opened = int(world.clock() * 1000)

    def act() -> None:
        authorize.handler(event, None)
        connection.handler(events.connect("ravi", "phone", "new=", opened), None)

    return act


def _watch(world: Backend) -> Act:
    """One batch of the stream with one message, that its receiver has acknowledged since."""
    _people(world, "ravi", "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    for reader in ("ravi", "raju"):
        when.acknowledges(world, reader, chat, senders=["ravi"], delivered=1)
    message = world.aws.chats.get({"chat": chat, "item": f"message#{1:012d}"}, consistent=True)
    member = world.aws.chats.get({"chat": chat, "item": "member#raju"}, consistent=True)
    records = (
        events.stream_record("INSERT", 1, new=message),
        events.stream_record("MODIFY", 2, old={**(member or {}), "delivered": {}}, new=member),
    )
    return lambda: when.delivery_watch_runs(world, *records)


def _ping(world: Backend) -> Act:
    _people(world, "ravi")
    return lambda: when.raw(world, "ravi", "phone", {"action": "ping"})


def _disconnection(world: Backend) -> Act:
    _people(world, "ravi")
    event = events.disconnect("ravi", "phone", world.connections["ravi", "phone"])
    return lambda: connection.handler(event, None)


ACTS: dict[str, Callable[[Backend], Act]] = {
    "a text to somebody online": _text,
    "a text to somebody away": _text_to_somebody_away,
    "a text to a group of ten online": _text_to(10),
    "a receipt": _receipt,
    "typing": _typing,
    "a sync without anything missed": _sync(0),
    "a sync of ten texts": _sync(10),
    "a push": _push,
    "a connection": _connect,
    "a ping": _ping,
    "a disconnection": _disconnection,
    "a batch of the delivery watch": _watch,
}


def response_frames(response: object) -> list[str]:
    """The route's response, as it is sent to the client; [] where nothing is."""
    frame = response[1] if isinstance(response, tuple) else response
    return [encode(frame)] if isinstance(frame, dict) and "type" in frame else []
