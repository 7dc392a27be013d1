"""Function Receipt, route `receipt`: moves watermarks, and notifies the senders.

What was read goes to the user's other devices too: by a frame, and by a push that takes back what
rang.
"""

from collections.abc import Set as AbstractSet
from functools import lru_cache

from lambdas.connections import WITHIN_SECONDS
from lambdas.delivery import members, watermarks
from lambdas.delivery.watermarks import Marks
from lambdas.errors import bad_request
from lambdas.frames import Frame
from lambdas.limits import CountedHere, Limit
from lambdas.messages.heads import no_such_chat, shows_nothing_of, undelivered
from lambdas.notifications import push_jobs
from lambdas.notifications.push_jobs import RingItems
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Address, Devices
from lambdas.presence.fan_out import deliver, to_connected
from lambdas.presence.leaseholder import with_lease
from lambdas.settings import Aws
from lambdas.tables import HEAD, Item, Table, chat_key
from lambdas.telemetry import count, logger
from lambdas.websocket import Caller, frame_handler

AT_ONCE = 20


def receipt(aws: Aws, caller: Caller, frame: Frame) -> None:
    """Sends no response. Raises ChatError not_found, bad_request or rate_limited."""
    step = watermarks.wanted(frame.get("delivered"), frame.get("read"))
    head = _head(aws.chats, frame["chat"], caller.user, step.delivered or 0)
    receipt_limit(aws).require(caller, frame["chat"], len(head["members"]), aws.now())
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
    # Also if a later receipt, or this one sent before, has moved the marks already: that one may
    # have named other senders, or not have reached them.
    read = None if step.read is None else moved.after.read
    taking_back = aws.background.submit(_take_back, aws, caller, frame["chat"], read)
    shown = moved.after._replace(read=0) if moved.private else moved.after
    hidden = _shows_nothing(head, caller.user) or (
        private and moved.before.delivered == moved.after.delivered and not moved.overtaken
    )
    senders = set() if hidden else head["members"] & set(frame["senders"])
    ranges = undelivered(head, {caller.user})
    ended_blocks = {"undelivered": [list(each) for each in ranges]} if ranges else {}
    _notify(aws, caller, frame, senders, {**shown._asdict(), **ended_blocks}, moved.after)
    taking_back.result(timeout=WITHIN_SECONDS)


def _notify(
    aws: Aws, caller: Caller, frame: Frame, senders: AbstractSet[str], shown: Frame, own: Marks
) -> None:
    """Posts the marks that are shown to senders, and what was read to the user's other devices."""
    devices = Devices(aws.users)
    notified = senders | ({caller.user} if frame.get("read") else set())

    def notice(user: str, _device: str) -> Frame:
        marks = own._asdict() if user == caller.user else shown
        return {
            "type": "receipt",
            "chat": frame["chat"],
            "user": caller.user,
            **marks,
        }

    posts = to_connected(
        devices.of(sorted(notified)),
        notice,
        aws.now(),
        besides=Address(caller.user, caller.device),
    )
    deliver(aws.connections, devices, posts, clock=aws.now)


def _shows_nothing(head: Item, user: str) -> bool:
    return shows_nothing_of(user, head.get("request_of"), head.get("blocked_by", ()))


def _take_back(aws: Aws, caller: Caller, chat: str, read: int | None) -> None:
    """Takes back what rang on other devices. Raises nothing: the delivery watch does it again."""
    if read is None:
        return
    try:
        rings = RingItems(aws.users).of([caller.user], chat).get(caller.user)
        push_jobs.take_back(aws, chat, caller.user, caller.device, read, rings)
    except Exception:
        logger.exception("could not queue a push job", extra={"chat": chat})


def _head(chats: Table, chat: str, user: str, mark: int) -> Item:
    """The chat's head, if the receipt fits it; read consistently before it is rejected."""
    for consistent in (False, True):
        head = chats.get(chat_key(chat, HEAD), consistent=consistent)
        if head and user in head.get("members", ()) and mark <= head["seq"]:
            return head
    if not head or user not in head.get("members", ()):
        raise no_such_chat(chat)
    raise bad_request(f"the chat has no message {mark}")


class ReceiptLimit(CountedHere):
    """The limit of receipts per device and chat.

    It lets pass twice as many as rule 4 of the protocol allows, and AT_ONCE more, since frames of
    a slow network come together. To count across environments would cost as much as it saves.
    """

    def require(self, caller: Caller, chat: str, members: int, now: float) -> None:
        """Counts a receipt. Raises ChatError rate_limited."""
        # one with `read` may come after half the interval
        seconds = watermarks.receipt_interval(members) / 4
        limit = Limit(AT_ONCE, seconds, "too many receipts in this chat")
        self.take((caller.user, caller.device, chat), limit, now)


@lru_cache(maxsize=1)
def receipt_limit(_environment: Aws) -> ReceiptLimit:
    """The execution environment's."""
    return ReceiptLimit()


ROUTES = {"receipt": with_lease(receipt)}
handler = frame_handler(ROUTES)
