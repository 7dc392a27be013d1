"""Route `typing`: notifies the chat's other connected members. Nothing is stored."""

from lambdas.frames import Frame
from lambdas.messages.heads import read_head
from lambdas.presence.devices import Devices
from lambdas.presence.fan_out import deliver, to_connected
from lambdas.settings import Aws
from lambdas.websocket import Caller


def typing(aws: Aws, caller: Caller, frame: Frame) -> None:
    """Raises ChatError not_found."""
    head = read_head(aws.chats, frame["chat"], caller.user)
    devices = Devices(aws.users)
    notice = {"type": "typing", "chat": head.chat, "user": caller.user}
    posts = to_connected(devices.of(sorted(head.members - {caller.user})), notice, aws.now())
    deliver(aws.connections, devices, posts, clock=aws.now)
