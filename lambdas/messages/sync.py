"""Function Sync, routes `sync` and `typing`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lambdas.connections import Outcome, Post
from lambdas.frames import Frame, encode
from lambdas.messages import history, sync_plan
from lambdas.messages.chats import Chats
from lambdas.messages.heads import Head, no_such_chat, read_heads
from lambdas.messages.typing import typing
from lambdas.presence.leaseholder import with_lease
from lambdas.settings import Aws
from lambdas.tables import Item, chat_key, member_item
from lambdas.telemetry import logger
from lambdas.websocket import Caller, frame_handler

POSTING_SECONDS = 3.0  # after that no further post begins
POST_SECONDS = 2.0
AGAIN_SECONDS = 1.0  # when a post failed


@dataclass
class Progress:
    """What is left of the limits of one sync."""

    until: float
    messages: int = sync_plan.MESSAGES
    bytes: int = sync_plan.MESSAGE_BYTES
    more: bool = False
    failed: bool = False
    retry_after: list[float] = field(default_factory=list)


def sync(aws: Aws, caller: Caller, frame: Frame) -> Frame:
    """Posts the messages, one after another so that their order holds, and returns `synced`.

    Raises ChatError not_found if none of the requested chats is the caller's; others are left out.
    """
    progress = Progress(until=aws.now() + POSTING_SECONDS)
    heads, after = _requested(aws, caller, frame)
    plan = sync_plan.plan(heads, after)
    chosen = [heads[chat] for chat in (*plan.waiting, *plan.others)]
    members = _members(aws, chosen)
    chats: dict[str, Any] = {}
    for head in chosen:
        page = _send_page(aws, caller, head, after[head.chat], progress)
        chats[head.chat] = sync_plan.entry(
            head, page.complete_to, page.missing, members.get(head.chat, {})
        )
    more = (plan.left or progress.more) and not progress.failed
    return sync_plan.synced(chats, more, min(progress.retry_after, default=None))


def _requested(aws: Aws, caller: Caller, frame: Frame) -> tuple[dict[str, Head], dict[str, int]]:
    """The chats to respond about, and the watermark of the device in each."""
    requested: dict[str, int] | None = frame.get("chats")
    if requested is not None:
        heads = read_heads(aws.chats, requested, caller.user)
        if requested and not heads:
            raise no_such_chat(next(iter(requested)))
        return heads, {chat: max(requested[chat], heads[chat].joined_seq) for chat in heads}
    names = Chats(aws.chats, aws.users).names(caller.user)
    heads = read_heads(aws.chats, names, caller.user)
    return heads, {chat: head.watermark(caller.device) for chat, head in heads.items()}


def _members(aws: Aws, heads: Iterable[Head]) -> dict[str, dict[str, Item]]:
    """chat -> user -> member item."""
    keys = [
        chat_key(head.chat, member_item(user)) for head in heads for user in sorted(head.members)
    ]
    found: dict[str, dict[str, Item]] = {}
    for item in aws.chats.batch_get(keys):
        found.setdefault(item["chat"], {})[item["item"].removeprefix("member#")] = item
    return found


def _send_page(
    aws: Aws, caller: Caller, head: Head, after: int, progress: Progress
) -> history.Page:
    """Posts the messages that the device lacks in a chat, within the limits; returns their page."""
    nothing = history.Page([], min(after, head.seq), [], False, None)
    if head.seq <= after:
        return nothing
    if progress.failed or progress.messages <= 0 or aws.now() > progress.until:
        progress.more = True
        return nothing
    page = history.read(
        aws.chats,
        head,
        after=after,
        limit=progress.messages,
        device=caller.device,
        now=aws.now(),
    )
    sent = 0
    for message in page.messages:
        text = encode(message)
        if progress.bytes < len(text) or aws.now() > progress.until:
            break
        progress.bytes -= len(text)
        if not _post(aws, caller, text):
            progress.failed = True
            progress.retry_after.append(AGAIN_SECONDS)
            break
        sent += 1
    progress.messages -= sent
    page = page.first(sent)
    progress.more |= page.more
    if page.retry_after is not None:
        progress.retry_after.append(page.retry_after)
    return page


def _post(aws: Aws, caller: Caller, text: str) -> bool:
    (outcome,) = aws.connections.post_all([Post(caller.connection_id, text)], POST_SECONDS)
    if outcome is not Outcome.DELIVERED:
        logger.info("a sync was cut short", extra={"outcome": outcome.value})
    return outcome is Outcome.DELIVERED


handler = frame_handler({"sync": with_lease(sync), "typing": with_lease(typing)})
