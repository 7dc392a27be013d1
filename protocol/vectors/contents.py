"""Vectors of what messages hold once they are decrypted."""

import hashlib
from typing import Any

from protocol.vectors.values import ID, OF, PICTURE, unpadded, without

FILE = {
    "kind": "file",
    "name": "report.pdf",
    "type": "application/pdf",
    "size": 5_000,
    "id": "b" * 32,
    "key": unpadded(hashlib.sha256(b"key").digest()),
    "digest": unpadded(hashlib.sha256(b"digest").digest()),
}
TEXT = {"v": 1, "kind": "text", "text": "hello"}
GOOD = [
    ("a text", TEXT),
    ("a reply", {**TEXT, "reply": OF}),
    ("a text that disappears", {**TEXT, "expires": 3_600}),
    ("a file", {"v": 1, "kind": "file", "file": FILE}),
    (
        "a picture with all it can have",
        {
            "v": 1,
            "kind": "file",
            "file": {
                **FILE,
                "kind": "picture",
                "type": "image/jpeg",
                "thumbnail": PICTURE,
                "width": 4_000,
                "height": 3_000,
            },
            "text": "look",
            "reply": OF,
            "expires": 60,
        },
    ),
    ("a reaction", {"v": 1, "kind": "reaction", "of": OF, "emoji": "\U0001f44d\U0001f3fd"}),
    (
        "a reaction of several characters",
        {"v": 1, "kind": "reaction", "of": OF, "emoji": "\u2764\ufe0f\u200d\U0001f525"},
    ),
    ("a reaction taken back", {"v": 1, "kind": "reaction", "of": OF, "emoji": None}),
    ("an edit", {"v": 1, "kind": "edit", "of": OF, "text": "hello again"}),
    ("a deletion", {"v": 1, "kind": "deletion", "of": OF}),
    ("a timer", {"v": 1, "kind": "timer", "seconds": 86_400}),
    ("no timer", {"v": 1, "kind": "timer", "seconds": 0}),
    ("a timer for newcomers", {"v": 1, "kind": "timer", "seconds": 60, "at": 7}),
    ("a chat's name", {"v": 1, "kind": "chat_name", "name": "Weekend"}),
    ("a longest name", {"v": 1, "kind": "chat_name", "name": "\U0001f44b" * 64}),
    ("no name", {"v": 1, "kind": "chat_name", "name": None}),
    ("a chat's picture", {"v": 1, "kind": "chat_picture", "picture": PICTURE}),
    ("no picture", {"v": 1, "kind": "chat_picture", "picture": None, "at": 3}),
    (
        "a profile",
        {
            "v": 1,
            "kind": "profile",
            "name": "Ravi",
            "picture": PICTURE,
            "at": 1_732_000_000_123,
        },
    ),
]
PROFILE = {"v": 1, "kind": "profile", "name": None, "picture": None, "at": 0}
CLEANED = [
    ("a name that turns the writing", "ab\u202ecd", "ab\ufffdcd"),
    ("a name with control characters", "a\u0000b\u009bc\n", "a\ufffdb\ufffdc\ufffd"),
    ("a name with spaces around it", "  Ravi  ", "Ravi"),
    ("a name with joiners", "\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
    ("a name of one emoji", "\u2764\ufe0f", "\u2764\ufe0f"),
    ("a name with an isolate", "\u2066x\u2069", "\ufffdx\ufffd"),
]
UNREADABLE = [
    ("no object", "hello"),
    ("a list", [TEXT]),
    ("nothing", None),
    ("no version", without(TEXT, "v")),
    ("version 0", {**TEXT, "v": 0}),
    ("a version that is true", {**TEXT, "v": True}),
    ("a version that is a text", {**TEXT, "v": "1"}),
    ("half a version", {**TEXT, "v": 1.5}),
    ("no kind", without(TEXT, "kind")),
    ("a kind that is a number", {**TEXT, "kind": 1}),
    ("a text without text", without(TEXT, "text")),
    ("an empty text", {**TEXT, "text": ""}),
    ("a text that is a number", {**TEXT, "text": 1}),
    ("a file without a file", {"v": 1, "kind": "file", "text": "hello"}),
    ("a file with an empty text", {"v": 1, "kind": "file", "file": FILE, "text": ""}),
    ("a file without a key", {"v": 1, "kind": "file", "file": without(FILE, "key")}),
    ("a file with no width", {"v": 1, "kind": "file", "file": {**FILE, "width": None}}),
    (
        "a picture that is a program",
        {
            "v": 1,
            "kind": "file",
            "file": {**FILE, "kind": "picture", "type": "image/svg+xml"},
        },
    ),
    ("a reply to nothing", {**TEXT, "reply": None}),
    ("a reply to a text", {**TEXT, "reply": ID}),
    (
        "a reply to a key",
        {**TEXT, "reply": {**OF, "id": "0f2c8a52-5e0b-4b8e-9d51-1f1f0d3a7c11"}},
    ),
    ("a reply to nobody", {**TEXT, "reply": {"id": ID}}),
    ("a reply to a user without device", {**TEXT, "reply": {**OF, "by": "ravi"}}),
    ("a time below one second", {**TEXT, "expires": 0}),
    ("a time that never ends", {**TEXT, "expires": 31_536_001}),
    ("a time that is true", {**TEXT, "expires": True}),
    ("a time in parts of a second", {**TEXT, "expires": 1.5}),
    ("a reaction to nothing", {"v": 1, "kind": "reaction", "emoji": "\U0001f44d"}),
    ("a reaction without emoji", {"v": 1, "kind": "reaction", "of": OF}),
    ("an empty reaction", {"v": 1, "kind": "reaction", "of": OF, "emoji": ""}),
    ("a reaction in words", {"v": 1, "kind": "reaction", "of": OF, "emoji": "no"}),
    (
        "a reaction that turns the writing",
        {"v": 1, "kind": "reaction", "of": OF, "emoji": "\u202e\U0001f44d"},
    ),
    ("a long reaction", {"v": 1, "kind": "reaction", "of": OF, "emoji": "\U0001f44d" * 17}),
    ("a reaction with a line", {"v": 1, "kind": "reaction", "of": OF, "emoji": "\U0001f44d\n"}),
    *(
        (f"a reaction of {what}", {"v": 1, "kind": "reaction", "of": OF, "emoji": emoji})
        for what, emoji in (
            ("joiners alone", "\u200d\u200d"),
            ("a selector alone", "\ufe0f"),
            ("blanks and tags", "\u2060\u2800\u3000\u3164\U000e0041"),
        )
    ),
    ("an edit of nothing", {"v": 1, "kind": "edit", "text": "hello"}),
    ("an edit to nothing", {"v": 1, "kind": "edit", "of": OF, "text": ""}),
    ("a deletion of everything", {"v": 1, "kind": "deletion", "of": "*"}),
    ("a timer that is below nothing", {"v": 1, "kind": "timer", "seconds": -1}),
    ("a timer at no place", {"v": 1, "kind": "timer", "seconds": 1, "at": 0}),
    ("a chat without name", {"v": 1, "kind": "chat_name"}),
    ("a name of spaces", {"v": 1, "kind": "chat_name", "name": "   "}),
    *(
        (f"a name of {what}", {"v": 1, "kind": "chat_name", "name": name})
        for what, name in (
            ("a fill character alone", "\u3164"),
            ("blanks of every kind", "\u00a0\u2003\u200b\u2800\ufeff\u2060"),
            ("tags and selectors", "\U000e0041\ufe0f\U000e01ef\u00ad"),
        )
    ),
    ("a long name", {"v": 1, "kind": "chat_name", "name": "x" * 65}),
    ("a picture of another type", {"v": 1, "kind": "chat_picture", "picture": "PHN2Zz4"}),
    ("a large picture", {"v": 1, "kind": "chat_picture", "picture": PICTURE + "A" * 7_200}),
    ("a picture with a line", {"v": 1, "kind": "chat_picture", "picture": PICTURE + "\n"}),
    ("a profile without time", without(PROFILE, "at")),
    ("a profile without name", without(PROFILE, "name")),
    ("a profile before all time", {**PROFILE, "at": -1}),
]


def contents() -> dict[str, Any]:
    """What each client reads: the same fields, or a kind that it shows instead."""
    return {
        "good": [{"what": what, "content": content} for what, content in GOOD],
        "cleaned": [{"what": w, "name": name, "shown": shown} for w, name, shown in CLEANED],
        "more": {**TEXT, "colour": "red", "at": 7},  # fields that are not known are ignored
        "unknown": [
            {"what": "a kind that is not known", "content": {**TEXT, "kind": "poll"}},
            {"what": "a kind that objects have", "content": {**TEXT, "kind": "constructor"}},
            {"what": "a newer version", "content": {**TEXT, "v": 2}},
            {"what": "a newer version without kind", "content": {"v": 3}},
            {"what": "a version above 2^53", "content": {**TEXT, "v": 1 << 60}},
        ],
        "unreadable": [{"what": what, "content": content} for what, content in UNREADABLE],
    }
