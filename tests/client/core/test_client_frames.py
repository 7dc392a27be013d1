"""Frames of the client: what it sends fits the schemas, what it gets is read strictly."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # has no types

from client.core import frames
from client.core.ids import hidden_id, ulid
from client.core.parsing import FrameError, parse
from client.crypto.account import AccountKeys
from client.store import Store
from tests.support.rows import rows

PROTOCOL = Path(__file__).parents[3] / "lambdas" / "protocol"
NAME = ulid(1_700_000_000_000, Random(1))


def fits(name: str, document: Any) -> None:
    schema = json.loads((PROTOCOL / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(frames.encode(document)))


@rows(
    "frame",
    [
        frames.send(NAME, "c1", "megolm.v1", "aGk"),
        frames.send(hidden_id(Random(1)), "c1", "olm.v1", {"raju/phone": "aGk"}, urgent=False),
        frames.receipt("c1", 3, 0, []),
        frames.receipt("c1", 3, 2, {"ravi", "raju"}),
        frames.sync(),
        frames.sync({"c1": 0}),
        frames.sync(cursor="c1"),
        frames.typing_frame(chat="c1"),
        frames.watch(["raju"]),
        frames.ping_frame(),
    ],
    ids=lambda frame: frame["action"],
)
def test_every_frame_the_client_sends_fits_its_schema(frame: dict[str, Any]) -> None:
    fits(f"client/{frame['action']}", frame)


def test_registration_and_keys_fit_their_schemas() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    keys = AccountKeys(store, "ravi", "phone")
    push = {"platform": "fcm", "token": "0f" * 32}
    fits("rest/device.request", {**keys.registration(), "push": push})
    fits("rest/one-time-keys.request", keys.upload(0))
    fits("rest/one-time-keys.request", {"one_time_keys": {}})
    store.close()


SERVER_FRAMES: dict[str, tuple[dict[str, Any], frames.ServerFrame]] = {
    "accepted": (
        {"message_id": NAME, "chat": "c", "seq": 3, "sent_at": 1500, "missing": ["raju/tab"], "stale": []},
        frames.Accepted(NAME, "c", 3, 1.5, ("raju/tab",), ()),
    ),
    "message": (
        {
            "chat": "c", "seq": 3, "message_id": NAME, "sender": "raju", "sender_device": "phone",
            "sent_at": 1500, "alg": "olm.v1", "payload": None,
        },
        frames.Message("c", 3, NAME, "raju", "phone", 1.5, "olm.v1", None),
    ),
    "messages": (
        {"messages": [{
            "chat": "c", "seq": 3, "message_id": NAME, "sender": "raju", "sender_device": "phone",
            "sent_at": 1500, "alg": "olm.v1", "payload": None,
        }]},
        frames.Messages((frames.Message("c", 3, NAME, "raju", "phone", 1.5, "olm.v1", None),)),
    ),
    "receipt": (
        {"chat": "c", "user": "raju", "delivered": 3, "read": 2},
        frames.Receipt("c", "raju", 3, 2),
    ),
    "synced": (
        {
            "chats": {"c": {"seq": 5, "after": 0, "complete_to": 4, "missing": [[1, 2]],
                            "members": {"raju": {"delivered": 4, "read": 1}}}},
            "more": True, "cursor": "d", "retry_after": 2.5,
        },
        frames.Synced(
            {"c": frames.SyncedChat(5, 0, 4, ((1, 2),), {"raju": frames.Watermarks(4, 1)})},
            True, "d", 2.5,
        ),
    ),
    "nudge": ({"chat": "c", "seq": 9}, frames.Nudge("c", 9)),
    "presence": (
        {"user": "raju", "online": False, "last_seen": 1500}, frames.Presence("raju", False, 1.5)
    ),
    "typing": ({"chat": "c", "user": "raju"}, frames.Typing("c", "raju")),
    "devices_changed": ({"user": "raju", "chat": "c"}, frames.DevicesChanged("raju", "c")),
    "keys_low": ({"remaining": 3, "fallback_used": True}, frames.KeysLow(3, True)),
    "displaced": ({}, frames.Displaced()),
    "pong": ({}, frames.Pong()),
    "error": (
        {"code": "internal", "message": "no", "message_id": NAME, "action": "send"},
        frames.ErrorFrame("internal", "no", NAME, "send"),
    ),
}  # fmt: skip


@rows("kind", sorted(SERVER_FRAMES))
def test_every_server_frame_of_the_protocol_is_understood(kind: str) -> None:
    fields, expected = SERVER_FRAMES[kind]
    fits(f"server/{kind}", {"type": kind, **fields})
    assert parse(json.dumps({"type": kind, "something_new": 1, **fields})) == expected


TEXTS = ["raju", "phone", "raju/phone", "olm.v1", NAME]


def sample(schema: Mapping[str, Any]) -> Any:
    """A value that fits the schema and has every field."""
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema["type"]
    if kind == "object":
        found = {name: sample(part) for name, part in schema.get("properties", {}).items()}
        if isinstance(values := schema.get("additionalProperties"), dict):
            found[sample(schema["propertyNames"])] = sample(values)
        return found
    if kind == "array":
        return [sample(schema["items"])] * schema.get("minItems", 1)
    if kind in ("integer", "number"):
        return schema.get("minimum", 1) + 1
    if kind == "boolean":
        return True
    pattern = schema.get("pattern", "/")
    return next(text for text in TEXTS if re.search(pattern, text))


SAMPLES = {
    path.stem: sample(json.loads(path.read_text(encoding="utf-8")))
    for path in (PROTOCOL / "server").glob("*.json")
}


@rows("kind", sorted(SAMPLES))
def test_every_server_frame_has_a_type_with_its_fields(kind: str) -> None:
    fits(f"server/{kind}", SAMPLES[kind])
    parsed = parse(json.dumps(SAMPLES[kind]))
    assert parsed is not None
    names = {field.name for field in dataclasses.fields(parsed)}
    assert names == set(SAMPLES[kind]) - {"type"}


def test_a_frame_of_an_unknown_type_is_let_pass() -> None:
    assert parse('{"type": "confetti"}') is None
    assert parse("{}") is None
    assert parse('{"type": "confetti", "requestId": "x"}') is None


@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_message_says_what_is_not_usual_of_it(urgent: bool, hidden: bool) -> None:
    frame = frames.send(NAME, "c1", "megolm.v1", "aGk", urgent=urgent, hidden=hidden)
    fits("client/send", frame)
    assert (frame.get("urgent", True), frame.get("hidden", False)) == (urgent, hidden)
    assert ("urgent" in frame, "hidden" in frame) == (not urgent, hidden)


@pytest.mark.parametrize(("delivered", "read"), [(3, 0), (0, 3), (3, 2)])
def test_a_receipt_names_the_marks_that_there_are(delivered: int, read: int) -> None:
    frame = frames.receipt("c", delivered, read, ["raju"])
    fits("client/receipt", frame)
    assert (frame.get("delivered", 0), frame.get("read", 0)) == (delivered, read)


def test_what_api_gateway_itself_answers_is_an_error_that_names_no_frame() -> None:
    text = '{"message": "Internal server error", "connectionId": "c=", "requestId": "r="}'
    assert parse(text) == frames.ErrorFrame("internal", "Internal server error")


@rows(
    "text",
    [
        "no json", "[]", '"pong"', '{"type": "nudge"}', '{"type": "nudge", "chat": 1, "seq": 1}',
        '{"type": "nudge", "chat": "c", "seq": 0}', '{"type": "nudge", "chat": "c", "seq": true}',
        '{"type": "synced", "chats": []}', '{"type": "receipt", "chat": "c", "user": "u", "read": -1}',
        '{"type": "synced", "chats": {"c": {"seq": 1, "after": 0, "complete_to": 1, "missing": [1]}}}',
    ],
)  # fmt: skip
def test_a_frame_with_wrong_fields_is_an_error_not_a_guess(text: str) -> None:
    with pytest.raises(FrameError):
        parse(text)


HALF = "\ud83d"  # of a character: no UTF-8 has it
BEYOND = [1 << 53, 10**400, float("inf"), float("nan"), 1e30]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each place in a frame, names and elements alike."""
    yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    for name, part in value.items() if isinstance(value, dict) else ():
        yield from places(part, (*path, name))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    name, *rest = path
    changed = value.copy()
    changed[name] = replaced(value[name], tuple(rest), new)
    return changed


def stored(frame: object) -> None:
    """Fails for what a store or a socket would refuse."""
    if isinstance(frame, str):
        frame.encode()
    elif isinstance(frame, int | float):
        assert 0 <= frame < 1 << 53
    elif isinstance(frame, Mapping):
        stored(list(frame.items()))
    elif isinstance(frame, tuple | list):
        for part in frame:
            stored(part)
    elif dataclasses.is_dataclass(frame):
        stored([getattr(frame, field.name) for field in dataclasses.fields(frame)])


ODD: list[Any] = [
    HALF,
    {HALF: HALF},
    [HALF],
    {HALF: {}},
    -1,
    True,
    None,
    "",
    "/",
    "x",
    {},
    [],
    [[1]],
    *BEYOND,
]


@rows("kind", sorted(SAMPLES))
def test_whatever_stands_in_a_frame_it_is_rejected_or_can_be_stored(kind: str) -> None:
    frame = SAMPLES[kind]
    for path, odd in product(places(frame), ODD):
        try:
            refused_or_stored(json.dumps(replaced(frame, path, odd)))
        except Exception as error:
            error.add_note(f"{odd!r:.20} at {path}")
            raise


def refused_or_stored(text: str) -> None:
    try:
        parsed = parse(text)
    except FrameError as error:
        str(error).encode()  # it is logged
    else:
        stored(parsed)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, '{"type": "synced", "chats":' + '{"c":' * 100_000, b"\xff", b"\xed\xa0\xbd",
        '{"message": "\\ud83d", "requestId": "r="}', "9" * 5_000,
    ],
    ids=lambda text: repr(text)[:20],
)  # fmt: skip
def test_what_no_server_says_is_an_error_like_any_other(text: str | bytes) -> None:
    with pytest.raises(FrameError):
        parse(text)


@rows("name", ["raju", "", "/", "raju/", "/phone", "raju/phone/x", 7])
@rows("field", ["missing", "stale"])
def test_a_device_in_a_list_is_named_with_its_user(field: str, name: object) -> None:
    frame = {"type": "accepted", **SERVER_FRAMES["accepted"][0], field: [name]}
    with pytest.raises(FrameError):
        parse(json.dumps(frame))


def test_payloads_keep_their_characters_so_that_they_do_not_grow() -> None:
    assert frames.encode(frames.typing_frame(chat="ü")) == '{"action":"typing","chat":"ü"}'


def test_message_ids_are_ulids_that_sort_by_time() -> None:
    random = Random(3)
    earlier, later = ulid(1_700_000_000_000, random), ulid(1_700_000_000_001, random)
    assert earlier < later
    assert len(earlier) == 26
    assert earlier.startswith("01HF7YAT00")
