"""Given: who exists, who is connected, which chats there are."""

from lambdas.messages.chats import Chats
from lambdas.notifications.endpoints import OWNER
from lambdas.presence import connection
from lambdas.presence.devices import Devices
from lambdas.tables import user_key
from tests.support.lambdas import events
from tests.support.lambdas.backend import Backend


def user(world: Backend, name: str, *devices: str) -> None:
    """A user with registered devices, of which the one called phone can be woken."""
    store = Devices(world.aws.users)
    store.create_user(name)
    for device in devices:
        if store.register(name, device) and device == "phone":
            push_token(world, name, device)


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


def online(world: Backend, name: str, device: str = "phone") -> str:
    """A user with one device, connected."""
    user(world, name, device)
    return connected(world, name, device)


def direct_chat(world: Backend, one: str, other: str) -> str:
    chat, _ = Chats(world.aws.chats, world.aws.users).direct(one, other)
    return chat.chat


def group(world: Backend, *members: str) -> str:
    chats = Chats(world.aws.chats, world.aws.users)
    return chats.group(members[0], members[1:]).chat
