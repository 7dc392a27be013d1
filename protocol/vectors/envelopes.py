"""Vectors of what stands inside an encryption: its padding, and what it is bound to."""

import json
import re
from typing import Any

from protocol.vectors.values import CHAT, ID, curve, public, without


def padded(size: int) -> int:
    for bucket in (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384):
        if size <= bucket:
            return bucket
    return (size + 4095) // 4096 * 4096


def padding() -> dict[str, Any]:
    sizes = [0, 1, 63, 64, 65, 128, 129, 256, 257, 512, 513, 1024, 1025, 2048, 2049, 4096, 4097]
    sizes += [8192, 8193, 16384, 16385, 20480, 20481, 24576, 24577]
    return {"sizes": [{"size": size, "padded": padded(size)} for size in sizes]}


def envelope(**fields: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "chat": CHAT,
        "id": ID,
        "from": "ravi/phone",
        "from_key": public("ravi/phone"),
        "to": "raju/laptop",
        "to_key": public("raju/laptop"),
        **fields,
    }


def text_of(document: Any) -> str:
    """Padded JSON. Half a character has no UTF-8, so it is escaped, as JSON.stringify does."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    text = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)
    return text + " " * (padded(len(text.encode())) - len(text.encode()))


HELLO = envelope(kind="text", text="hello")
COPY = envelope(kind="copy", of=ID, text="hello", sent_at=1_732_000_000_123)
GOOD = [
    ("a text", HELLO),
    ("any text", envelope(kind="text", text='नमस्ते राजू 👋🏽 \u0000\u001f\\"/\u2028')),
    ("a copy", COPY),
    ("a key", envelope(kind="room_key", session_id=curve("session"), key="A" * 306)),
    ("a request", envelope(kind="request", of=[ID])),
    ("emoji", envelope(kind="sas", txn="b7c1", step="start", methods=["emoji"])),
    ("an unknown kind and an unknown field", envelope(kind="confetti", colours=["red"])),
]
GROUP = without(envelope(kind="text", text="to all"), "to", "to_key")
# what stands inside, and the text that is read
HALVES = [
    ("the first half of a character in a text", {**HELLO, "text": "so \ud83d"}, "so \ufffd"),
    ("the second half of one", {**HELLO, "text": "\udc4b so"}, "\ufffd so"),
    (
        "halves in the wrong order, beside a whole one",
        {**HELLO, "text": "\udc4b\ud83d 👋"},
        "\ufffd\ufffd 👋",
    ),
    ("half a character in a copy", {**COPY, "text": "so \ud83d"}, "so \ufffd"),
]
BAD: list[tuple[str, Any]] = [
    ("another chat", {**HELLO, "chat": "another"}),
    ("another message", {**HELLO, "id": "01JDB2F6Y8W6X1T9N5R3Q7P0AC"}),
    ("another sender", {**HELLO, "from": "mira/phone"}),
    ("another sender's key", {**HELLO, "from_key": public("mira/phone")}),
    ("another receiver", {**HELLO, "to": "raju/phone"}),
    ("another receiver's key", {**HELLO, "to_key": public("raju/phone")}),
    *[(f"no {name}", without(HELLO, name)) for name in HELLO if name not in ("v", "text")],
    ("an id that is no text", {**HELLO, "id": 7}),
    ("a kind that is no text", {**HELLO, "kind": 7}),
    ("a version that is not known", {**HELLO, "v": 2}),
    ("a version that is true", {**HELLO, "v": True}),
    ("a version that is a text", {**HELLO, "v": "1"}),
    ("no version", without(HELLO, "v")),
    ("half a character in the kind", {**HELLO, "kind": "text\ud83d"}),
    ("half a character in the ids of a request", envelope(kind="request", of=[ID, "\ud83d"])),
    ("half a character in the id of a copy", {**COPY, "of": ID + "\udc4b"}),
    ("half a character in a key", envelope(kind="room_key", session_id="\ud83d", key="A")),
    ("half a character in a comparison", envelope(kind="sas", txn="\ud83d", step="start")),
    ("half a character in a field that is not known", {**HELLO, "colours": [{"a": "\ud83d"}]}),
    ("half a character in the name of a field", {**HELLO, "\ud83d": 1}),
    ("half a character in a field of an unknown kind", envelope(kind="odd", a="\ud83d")),
    ("no object", [HELLO]),
]


def envelopes() -> dict[str, Any]:
    context = without(envelope(), "v")
    return {
        "context": context,
        "olm": [{"what": w, "envelope": d, "plaintext": text_of(d)} for w, d in GOOD],
        "megolm": [{"what": "to a group", "envelope": GROUP, "plaintext": text_of(GROUP)}],
        # read with that text, and never written like that
        "mended": [
            {"what": what, "envelope": {**document, "text": text}, "plaintext": text_of(document)}
            for what, document, text in HALVES
        ],
        "refused": [
            *[{"what": what, "plaintext": text_of(document)} for what, document in BAD],
            {"what": "no JSON", "plaintext": "hello".ljust(64)},
            {
                "what": "a number that JSON does not have",
                "plaintext": text_of({**HELLO, "colours": float("nan")}),
            },
            {"what": "nothing", "plaintext": ""},
        ],
    }
