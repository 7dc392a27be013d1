"""Function Sync, routes `sync` and `typing`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lambdas.connections import Outcome, Post
from lambdas.frames import Frame
from lambdas.limits import SYNCS, sampled
from lambdas.messages import history, sync_plan
from lambdas.messages.chats import Chats
from lambdas.messages.heads import Head, no_such_chat, read_heads
from lambdas.messages.history import Page
from lambdas.messages.typing import typing
from lambdas.presence.leaseholder import with_lease
from lambdas.settings import Aws
from lambdas.tables import BATCH_GET_LIMIT, Item, chat_key, member_item
from lambdas.telemetry import logger
from lambdas.websocket import Caller, frame_handler

# Of the 6 s of the function: after these, counted from its start, no further read or post begins.
READING_SECONDS = 2.0
POSTING_SECONDS = 3.0
POST_SECONDS = 2.0
BESIDE_PAYLOAD = 300  # bytes of a message, about
AGAIN_SECONDS = 1.0  # when a post failed, or there was no time for any message


class Asked(NamedTuple):
    """The chats that one response is about."""

    heads: Mapping[str, Head]
    after: Mapping[str, int]  # where the device is in each, by its own word or its member item
    plan: sync_plan.Plan
    cursor: str | None = None  # of the next page


@dataclass
class Backlog:
    """The messages that the device lacks in each chat, as far as one sync has room and time for
    them.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    left: bool = False  # some of it was not read


def sync(aws: Aws, caller: Caller, frame: Frame) -> Frame:
    """Posts the messages, one post after another so that their order holds, and returns `synced`.

    Raises ChatError rate_limited, and not_found if none of the requested chats is the caller's;
    others are left out.
    """
    started = aws.now()
    sampled(aws).take(aws.users, caller.user, f"syncs#{caller.device}", SYNCS, started)
    asked = _named(aws, caller, frame) if "chats" in frame else _page(aws, caller, frame)
    members = _members(aws, [asked.heads[chat] for chat in asked.plan.chats])
    backlog = _read(aws, caller, asked, until=started + READING_SECONDS)
    sent, failed = _post_all(aws, caller, backlog.pages, until=started + POSTING_SECONDS)
    pages = {chat: page.first(sent[chat]) for chat, page in backlog.pages.items()}
    chats: dict[str, Any] = {}
    for chat in asked.plan.chats:
        head, after = asked.heads[chat], asked.after[chat]
        page = pages.get(chat) or Page([], min(head.start(after), head.seq), [], False, None)
        chats[chat] = sync_plan.entry(
            head, after, page.complete_to, page.missing, members.get(chat, {})
        )
    left = asked.plan.left or backlog.left or any(page.more for page in pages.values())
    waits = [page.retry_after for page in pages.values() if page.retry_after is not None]
    moved = any(
        page.complete_to > asked.heads[chat].start(asked.after[chat])
        for chat, page in pages.items()
    )
    if failed or (left and not moved):  # to ask at once at the same position would change nothing
        left = False
        waits.append(AGAIN_SECONDS)
    return sync_plan.synced(chats, left, min(waits, default=None), asked.cursor)


def _named(aws: Aws, caller: Caller, frame: Frame) -> Asked:
    requested: dict[str, int] = frame["chats"]
    heads = read_heads(aws.chats, requested, caller.user)
    if requested and not heads:
        raise no_such_chat(next(iter(requested)))
    after = {chat: requested[chat] for chat in heads}
    return Asked(heads, after, sync_plan.named(heads, after))


def _page(aws: Aws, caller: Caller, frame: Frame) -> Asked:
    """The next of the user's chats, each from the device's own watermark."""
    chats = Chats(aws.chats, aws.users)
    names, cursor = chats.names(caller.user, frame.get("cursor"), sync_plan.CHATS)
    found = read_heads(aws.chats, names, caller.user)
    there = [found[name] for name in names if name in found]
    count = sync_plan.fitting(there)
    heads = {head.chat: head for head in there[:count]}
    if count < len(there):
        cursor = there[count - 1].chat
    after = {chat: head.delivered.get(caller.device, 0) for chat, head in heads.items()}
    order = [head.chat for head in sync_plan.in_order(heads.values(), after)]
    return Asked(heads, after, sync_plan.Plan(order, left=False), cursor)


def _members(aws: Aws, heads: Sequence[Head]) -> dict[str, dict[str, Item]]:
    """chat -> user -> member item.

    Each item of a batch costs at least half a unit, and those of a Query are metered together: of
    1,024 members 14 units beside 512.
    """
    large = [head for head in heads if len(head.members) > BATCH_GET_LIMIT]
    keys = [
        chat_key(head.chat, member_item(user))
        for head in heads
        if head not in large
        for user in sorted(head.members)
    ]
    items = aws.chats.batch_get(keys)
    for head in large:
        items += aws.chats.query_all({"chat": head.chat}, prefix=member_item(""))
    found: dict[str, dict[str, Item]] = {}
    for item in items:
        found.setdefault(item["chat"], {})[item["item"].removeprefix("member#")] = item
    return found


def _read(aws: Aws, caller: Caller, asked: Asked, until: float) -> Backlog:
    """What the device lacks, chat after chat, within the limits of one sync."""
    backlog = Backlog()
    messages, size = sync_plan.MESSAGES, sync_plan.MESSAGE_BYTES
    for chat in asked.plan.chats:
        head, after = asked.heads[chat], asked.after[chat]
        if head.seq <= head.start(after):
            continue
        if messages <= 0 or size <= 0 or aws.now() > until:
            backlog.left = True
            break
        page = history.read(
            aws.chats, head, after=after, limit=messages, device=caller.device, now=aws.now()
        )
        messages -= len(page.messages)
        size -= sum(len(message["payload"] or "") + BESIDE_PAYLOAD for message in page.messages)
        backlog.pages[chat] = page
    return backlog


def _post_all(
    aws: Aws, caller: Caller, pages: Mapping[str, Page], until: float
) -> tuple[dict[str, int], bool]:
    """How many messages of each chat were delivered, from its first on; True if a post failed."""
    messages = [message for page in pages.values() for message in page.messages]
    sent, failed = dict.fromkeys(pages, 0), False
    delivered = 0
    for count, text in sync_plan.posts(messages):
        if aws.now() > until:
            break
        if not _post(aws, caller, text):
            failed = True
            break
        delivered += count
    for message in messages[:delivered]:
        sent[message["chat"]] += 1
    return sent, failed


def _post(aws: Aws, caller: Caller, text: str) -> bool:
    (outcome,) = aws.connections.post_all([Post(caller.connection_id, text)], POST_SECONDS)
    if outcome is not Outcome.DELIVERED:
        logger.info("a sync was cut short", extra={"outcome": outcome.value})
    return outcome is Outcome.DELIVERED


ROUTES = {"sync": with_lease(sync), "typing": with_lease(typing)}
handler = frame_handler(ROUTES)
