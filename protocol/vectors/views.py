"""Vectors of what is seen of messages after the changes that others make."""

from typing import Any

from protocol.vectors.values import OF

HEART, THUMB = "\u2764\ufe0f", "\U0001f44d"


def change(seq: int, user: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"seq": seq, "user": user, "content": {"v": 1, "kind": kind, "of": OF, **fields}}


def reaction(seq: int, user: str, emoji: str | None) -> dict[str, Any]:
    return change(seq, user, "reaction", emoji=emoji)


def setting(seq: int, name: str | None, at: int | None = None) -> dict[str, Any]:
    again = {} if at is None else {"at": at}
    return {
        "seq": seq,
        "user": "raju",
        "content": {"v": 1, "kind": "chat_name", "name": name, **again},
    }


# a group, as a device of ravi gets its messages: who, with which id, and what
IDS = {"a": "01JDB2F6Y8W6X1T9N5R3Q7P0AA", "b": "01JDB2F6Y8W6X1T9N5R3Q7P0AC"}
FIRST, SECOND = {"by": "raju/phone", "id": IDS["a"]}, {"by": "mira/web", "id": IDS["b"]}
QUOTED = {"v": 1, "kind": "text", "text": "an answer", "reply": FIRST}
SAID = [
    ("raju/phone", IDS["a"], {"v": 1, "kind": "text", "text": "a secret"}),
    ("mira/web", IDS["b"], QUOTED),
    ("raju/web", None, {"v": 1, "kind": "edit", "of": FIRST, "text": "a newer secret"}),
    ("mira/web", None, {"v": 1, "kind": "edit", "of": FIRST, "text": "forged"}),
    ("mira/web", None, {"v": 1, "kind": "edit", "of": SECOND, "text": "the answer"}),
    ("raju/web", None, {"v": 1, "kind": "edit", "of": SECOND, "text": "forged"}),
    ("raju/phone", None, {"v": 1, "kind": "reaction", "of": SECOND, "emoji": "\U0001f44d"}),
    ("ravi/web", None, {"v": 1, "kind": "reaction", "of": SECOND, "emoji": "\u2b50"}),
    ("raju/web", None, {"v": 1, "kind": "reaction", "of": SECOND, "emoji": "\u2705"}),
    ("mira/web", None, {"v": 1, "kind": "reaction", "of": FIRST, "emoji": "\u2705"}),
    ("mira/web", None, {"v": 1, "kind": "chat_name", "name": "One"}),
    ("raju/web", None, {"v": 1, "kind": "chat_name", "name": "Two"}),
    ("mira/web", None, {"v": 1, "kind": "chat_name", "name": "One", "at": 11}),
    ("raju/phone", None, {"v": 1, "kind": "timer", "seconds": 60}),
    ("mira/web", None, {"v": 1, "kind": "deletion", "of": FIRST}),
    ("raju/web", None, {"v": 1, "kind": "deletion", "of": FIRST}),
    ("mira/web", None, {"v": 1, "kind": "poll"}),
    ("mira/web", None, {"v": 1, "kind": "reaction", "of": 7}),
]
SHOWN = [  # in the end
    [1, "text", "", True, []],
    [2, "text", "the answer", False, [["ravi", "\u2b50"], ["raju", "\u2705"]]],
    [11, "chat_name", "", False, []],
    [12, "chat_name", "", False, []],
    [14, "timer", "", False, []],
    [17, "unknown", "", False, []],
    [18, "unreadable", "", False, []],
]


def story() -> dict[str, Any]:
    """Messages of a group, as a device of ravi gets them, and what it shows in the end."""
    return {
        "messages": [
            {
                "seq": seq,
                "by": by,
                "id": name or f"01935a00-0000-7000-8000-{seq:012d}",
                "content": content,
            }
            for seq, (by, name, content) in enumerate(SAID, 1)
        ],
        "history": [
            dict(zip(("seq", "kind", "text", "deleted", "reactions"), each, strict=True))
            for each in SHOWN
        ],
        "name": "Two",
        "timer": 60,
        "unread": 1,
        "gone": "secret",
    }


NAMES: list[tuple[str, list[dict[str, Any]], str | None]] = [
    ("no name", [], None),
    ("a name", [setting(2, "One")], "One"),
    ("the last of two", [setting(2, "One"), setting(4, "Two")], "Two"),
    ("a name taken back", [setting(2, "One"), setting(4, None)], None),
    ("an older one for newcomers", [setting(4, "Two"), setting(5, "One", at=2)], "Two"),
    ("one for newcomers alone", [setting(5, "One", at=2)], "One"),
    ("the original before what repeats it", [setting(2, "One"), setting(5, "no", at=2)], "One"),
    ("one that claims to stand above", [setting(5, "no", at=99), setting(6, "One")], "One"),
    ("two that repeat", [setting(5, "One", at=2), setting(6, "Two", at=4)], "Two"),
]


def scene(
    what: str,
    *changes: dict[str, Any],
    text: str | None = None,
    deleted: bool = False,
    reactions: tuple[tuple[str, str], ...] = (),
) -> dict[str, Any]:
    return {
        "what": what,
        "changes": list(changes),
        "text": text,
        "deleted": deleted,
        "reactions": [list(each) for each in reactions],
    }


def changed() -> list[dict[str, Any]]:
    """A message of ravi after these changes, in whatever order they come."""
    one, two = change(3, "ravi", "edit", text="one"), change(5, "ravi", "edit", text="two")
    forged = [change(6, "raju", "edit", text="forged"), change(7, "raju", "deletion")]
    late = change(9, "ravi", "edit", text="x")
    deletion = change(8, "ravi", "deletion")
    return [
        scene("nothing"),
        scene("an edit", one, text="one"),
        scene("the last of two edits", one, two, text="two"),
        scene("what others write into it", one, *forged, text="one"),
        scene("a deletion", one, two, reaction(4, "raju", HEART), deletion, deleted=True),
        scene("an edit after the deletion", deletion, late, deleted=True),
        scene(
            "one reaction for each user",
            reaction(2, "raju", HEART),
            reaction(3, "mira", THUMB),
            reaction(4, "raju", THUMB),
            reactions=(("mira", THUMB), ("raju", THUMB)),
        ),
        scene(
            "a reaction taken back",
            reaction(2, "raju", HEART),
            reaction(3, "raju", None),
            reaction(4, "ravi", HEART),
            reactions=(("ravi", HEART),),
        ),
    ]


def views() -> dict[str, Any]:
    return {
        "of": OF,
        "story": story(),
        "messages": changed(),
        "names": [{"what": what, "writings": all_, "name": name} for what, all_, name in NAMES],
    }
