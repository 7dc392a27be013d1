"""Function Receipt, route `receipt`: moves watermarks, and notifies the senders."""

from lambdas.delivery import members, watermarks
from lambdas.delivery.watermarks import Moved
from lambdas.errors import bad_request
from lambdas.frames import Frame
from lambdas.messages.heads import no_such_chat, shows_nothing_of
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Address, Devices
from lambdas.presence.fan_out import deliver, to_connected
from lambdas.presence.leaseholder import with_lease
from lambdas.settings import Aws
from lambdas.tables import HEAD, Item, Table, chat_key
from lambdas.telemetry import count
from lambdas.websocket import Caller, frame_handler


def receipt(aws: Aws, caller: Caller, frame: Frame) -> None:
    """Sends no response. Raises ChatError not_found or bad_request."""
    step = watermarks.wanted(frame.get("delivered"), frame.get("read"))
    head = _head(aws.chats, frame["chat"], caller.user, step.delivered or 0)
    private = step.read is not None and not Contacts(aws.users).settings(caller.user)["receipts"]
    moved = members.move(
        aws.chats, frame["chat"], caller.user, caller.device, step, private=private
    )
    if moved is None:
        raise no_such_chat(frame["chat"])
    if moved.after != moved.before:
        count("ReceiptsMoved")
    elif not moved.overtaken:
        return
    if _tells_nothing(head, caller.user) or (private and _same_but_read(moved)):
        return
    # Also if a later receipt, or this one sent before, has moved the marks already: that one may
    # have named other senders, or not have reached them.
    devices = Devices(aws.users)
    notice = {
        "type": "receipt",
        "chat": frame["chat"],
        "user": caller.user,
        "delivered": moved.after.delivered,
        "read": 0 if private else moved.after.read,
    }
    posts = to_connected(
        devices.of(sorted(head["members"] & set(frame["senders"]))),
        notice,
        aws.now(),
        besides=Address(caller.user, caller.device),
    )
    deliver(aws.connections, devices, posts, clock=aws.now)


def _tells_nothing(head: Item, user: str) -> bool:
    return shows_nothing_of(user, head.get("request_of"), head.get("blocked_by", ()))


def _same_but_read(moved: Moved) -> bool:
    return moved.before.delivered == moved.after.delivered and not moved.overtaken


def _head(chats: Table, chat: str, user: str, mark: int) -> Item:
    """The chat's head, if the receipt fits it; read consistently before it is rejected."""
    for consistent in (False, True):
        head = chats.get(chat_key(chat, HEAD), consistent=consistent)
        if head and user in head.get("members", ()) and mark <= head["seq"]:
            return head
    if not head or user not in head.get("members", ()):
        raise no_such_chat(chat)
    raise bad_request(f"the chat has no message {mark}")


ROUTES = {"receipt": with_lease(receipt)}
handler = frame_handler(ROUTES)
