"""Given: who exists, who is connected, which chats there are."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from lambdas.messages import message
from lambdas.messages.direct import DirectChats
from lambdas.messages.membership import Membership
from lambdas.notifications.endpoints import OWNER
from lambdas.people.contacts import Contacts
from lambdas.presence import connection
from lambdas.presence.devices import Devices
from lambdas.tables import DEVICES, HEAD, Table, chat_key, transact, user_key
from tests.support.lambdas import events
from tests.support.lambdas.backend import Backend


def user(world: Backend, name: str, *devices: str) -> None:
    """A user with registered devices, of which the one called phone can be woken."""
    store = Devices(world.aws.users)
    store.create_user(name)
    for device in devices:
        if store.register(name, device, world.clock()) and device == "phone":
            push_token(world, name, device)


def no_device(users: Table, name: str, device: str) -> None:
    """The device is not registered any more; its keys are there as before."""
    devices = Devices(users)
    if there := devices.of([name], consistent=True).get(name, {}).get(device):
        transact(users, [devices.remove_action(name, device, there)])


def push_token(world: Backend, name: str, device: str) -> None:
    """The device can be woken: its endpoint is called `arn:` and its address."""
    arn = f"arn:{name}/{device}"
    world.aws.users.put({**user_key(f"push#{arn}", OWNER), "held_by": f"{name}/{device}"})
    Devices(world.aws.users).set_endpoint(name, device, arn, "fcm")


def connected(world: Backend, name: str, device: str) -> str:
    """The id of a connection that the device has had for a while."""
    connection_id = f"{name}-{device}-{len(world.connections)}="
    opened = int(world.clock() * 1000) - 60_000
    response = connection.handler(events.connect(name, device, connection_id, opened), None)
    assert response["statusCode"] == 200
    world.connections[name, device] = connection_id
    return connection_id


@contextmanager
def holding_a_lease(world: Backend, name: str, device: str) -> Iterator[str]:
    """The device's connection; one for the time being, unheard by others, if it has none."""
    if (name, device) in world.connections:
        yield world.connections[name, device]
        return
    known = "nowhere="
    if device not in Devices(world.aws.users).of([name], consistent=True).get(name, {}):
        yield known
        return
    entry = "devices.#d.connection_id", "devices.#d.connected_at"
    names = {"#d": device}
    world.aws.users.update(
        user_key(name, DEVICES),
        f"SET {entry[0]} = :id, {entry[1]} = :at",
        names=names,
        id=known,
        at=int(world.clock() * 1000),
    )
    yield known
    world.aws.users.update(
        user_key(name, DEVICES),
        f"REMOVE {', '.join(entry)}",
        f"{entry[0]} = :id",
        names=names,
        id=known,
    )


def online(world: Backend, name: str, device: str = "phone") -> str:
    """A user with one device, connected."""
    user(world, name, device)
    return connected(world, name, device)


def contacts(world: Backend, *names: str) -> None:
    """Each of them has the others as contacts."""
    store = Contacts(world.aws.users)
    for one in names:
        for other in names:
            if one != other:
                store.add(one, other)


def decision(users: Table, user: str, peer: str, state: str | None) -> None:
    """What the user has decided about the peer, with whom there is no chat."""
    transact(users, [Contacts(users).set_action(user, peer, state)])


def direct_chat(world: Backend, one: str, other: str) -> str:
    chat, _ = DirectChats(world.aws.chats, world.aws.users).begin(one, other)
    return chat.chat


def group(world: Backend, *members: str) -> str:
    membership = Membership(world.aws.chats, world.aws.users)
    return membership.found(members[0], members[1:]).chat


def stored(world: Backend, sender: str, chat: str, count: int, payload: str) -> None:
    """Messages that stand in the chat's empty log, faster than by sending them."""
    now = int(world.clock())
    frame = {"chat": chat, "alg": "megolm.v1", "payload": payload}
    world.aws.chats.batch_write(
        puts=[
            message.stored(
                {**frame, "message_id": str(uuid.UUID(int=seq))},
                seq=seq,
                sender=sender,
                sender_device="phone",
                sent_at=now * 1000,
                expires_at=now + 86_400,
            )
            for seq in range(1, count + 1)
        ]
    )
    world.aws.chats.update(chat_key(chat, HEAD), "SET seq = :count", count=count)
