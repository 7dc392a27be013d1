"""A chat with unread texts, put straight into the tables, and the queue's record that says so."""

import json
import time
import uuid
from typing import Any

from lambdas.settings import Aws
from lambdas.tables import HEAD, chat_key, member_item, message_item
from tests.support.lambdas.events import sqs_record

CHAT = "chat-1"


def text(aws: Aws, user: str, message_id: str = "", chat: str = CHAT, **fields: Any) -> int:
    """The seq of a text of mira's that `user` has not read; its id is new by default."""
    if aws.chats.get(chat_key(chat, member_item(user)), consistent=True) is None:
        member = {**chat_key(chat, member_item(user)), "delivered": {}, "read": 0}
        aws.chats.put({**member, "joined_seq": 0})
    head = aws.chats.update(
        chat_key(chat, HEAD),
        "SET seq = if_not_exists(seq, :none) + :one, kind = :kind, purged_to = :none"
        " ADD members :members",
        none=0,
        one=1,
        kind="group",
        members={user, "mira"},
    )
    seq = int(head["seq"])
    item = {
        **chat_key(chat, message_item(seq)),
        "message_id": message_id or str(uuid.uuid4()),
        "sender": "mira",
        "sender_device": "phone",
        "sent_at": int(time.time() * 1000),
        "alg": "megolm.v1",
        "payload": "x",
        "expires_at": int(time.time()) + 86_400,
    }
    aws.chats.put({**item, **fields})
    return seq


def read(aws: Aws, user: str, seq: int, chat: str = CHAT) -> None:
    aws.chats.update(
        chat_key(chat, member_item(user)), "SET #r = :seq", names={"#r": "read"}, seq=seq
    )


def record(user: str, id: str = "job", chat: str = CHAT, **changes: Any) -> dict[str, Any]:
    """A job for the push function, as SQS gives it."""
    body = json.dumps({"user": user, "chat": chat, **changes})
    return sqs_record(id, body, group=f"{user}#{chat}")
