"""Route `typing`: notifies the chat's other connected members. Nothing is stored."""

from functools import lru_cache

from lambdas.frames import Frame
from lambdas.limits import TYPING, CountedHere
from lambdas.messages.heads import read_head, shows_nothing_of
from lambdas.presence.devices import Devices
from lambdas.presence.fan_out import deliver, to_connected
from lambdas.settings import Aws
from lambdas.websocket import Caller

# A post for each member costs as much as a message does, for every three seconds of writing.
TYPING_MEMBERS = 256


def typing(aws: Aws, caller: Caller, frame: Frame) -> None:
    """Notifies nobody in a group of more than TYPING_MEMBERS, and nobody of a user who has not
    answered or has blocked the other one.

    Raises ChatError not_found, rate_limited.
    """
    counted(aws).take((caller.user, caller.device, frame["chat"]), TYPING, aws.now())
    head = read_head(aws.chats, frame["chat"], caller.user)
    if len(head.members) > TYPING_MEMBERS:
        return
    if shows_nothing_of(caller.user, head.request_of, head.blocked_by):
        return
    devices = Devices(aws.users)
    notice = {"type": "typing", "chat": head.chat, "user": caller.user}
    posts = to_connected(
        devices.of(sorted(head.members - head.blocked_by - {caller.user})), notice, aws.now()
    )
    deliver(aws.connections, devices, posts, clock=aws.now)


@lru_cache(maxsize=1)
def counted(_environment: Aws) -> CountedHere:
    """The execution environment's."""
    return CountedHere()
