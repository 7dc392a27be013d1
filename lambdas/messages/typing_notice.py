"""Route `typing`: tells the chat's other online members. Nothing is stored."""

from lambdas.delivery.fan_out import deliver, to_connected
from lambdas.frames import Frame
from lambdas.messages.heads import read_head
from lambdas.presence.store import Devices
from lambdas.settings import Aws
from lambdas.websocket import Caller


def typing(services: Aws, caller: Caller, frame: Frame) -> None:
    """Raises ChatError not_found."""
    head = read_head(services.chats, frame["chat"], caller.user)
    devices = Devices(services.users)
    notice = {"type": "typing", "chat": head.chat, "user": caller.user}
    posts = to_connected(devices.of(sorted(head.members - {caller.user})), notice, services.now())
    deliver(services.connections, devices, posts, clock=services.now)
