"""Frames that no client should send, by what is wrong with them; `{chat}` is a chat of the sender."""

import json
from typing import Any

MESSAGE_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def _send(**changes: Any) -> str:
    good = {
        "action": "send",
        "message_id": MESSAGE_ID,
        "chat": "{chat}",
        "alg": "megolm.v1",
        "payload": "eA",
    }
    return json.dumps({name: value for name, value in {**good, **changes}.items() if value != ...})


BAD_FRAMES = {
    "nothing": "",
    "not JSON": "{action: send}",
    "half of it": _send()[:-5],
    "a list": '["send"]',
    "a number": "42",
    "null": "null",
    "no action": '{"chat": "{chat}"}',
    "action of a wrong type": '{"action": 7}',
    "action that is a list": '{"action": ["send"]}',
    "unknown action": '{"action": "delete_everything"}',
    "action that is a path": '{"action": "../server/accepted"}',
    "NaN": '{"action": "receipt", "chat": "{chat}", "delivered": NaN, "senders": []}',
    "Infinity": '{"action": "receipt", "chat": "{chat}", "read": Infinity, "senders": []}',
    "a number without end": '{"action": "sync", "chats": {"{chat}": 1e999}}',
    "many digits": '{"action": "sync", "chats": {"{chat}": ' + "9" * 5000 + "}}",
    "deep JSON": '{"action": "sync", "chats": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "half a surrogate pair": _send(payload="\ud800"),
    "no message_id": _send(message_id=...),
    "message_id of another form": _send(message_id="1"),
    "message_id of a wrong type": _send(message_id=None),
    "no chat": _send(chat=...),
    "chat of a wrong type": _send(chat={"S": "x"}),
    "chat that is a key": _send(chat="a#b"),
    "no alg": _send(alg=...),
    "neither payload nor to": _send(payload=...),
    "payload and to": _send(to={"raju/phone": "x"}),
    "payload and to, as Olm": _send(alg="olm.v1", to={"raju/phone": "x"}),
    "plaintext": _send(alg="test.v0"),
    "plaintext for each": _send(alg="test.v0", payload=..., to={"raju/phone": "x"}),
    "alg of a wrong type": _send(alg=["megolm.v1"]),
    "alg in capitals": _send(alg="MEGOLM.V1"),
    "one Olm payload for all": _send(alg="olm.v1"),
    "a Megolm payload for each": _send(payload=..., to={"raju/phone": "x"}),
    "payload of a wrong type": _send(payload={"a": 1}),
    "empty payload": _send(payload=""),
    "to of a wrong type": _send(alg="olm.v1", payload=..., to=["raju/phone"]),
    "to with a wrong address": _send(alg="olm.v1", payload=..., to={"raju": "x"}),
    "to with a wrong payload": _send(alg="olm.v1", payload=..., to={"raju/phone": 1}),
    "urgent of a wrong type": _send(urgent="yes"),
    "receipt of nothing": '{"action": "receipt", "chat": "{chat}", "senders": []}',
    "receipt without senders": '{"action": "receipt", "chat": "{chat}", "delivered": 1}',
    "receipt of zero": '{"action": "receipt", "chat": "{chat}", "read": 0, "senders": []}',
    "receipt of half": '{"action": "receipt", "chat": "{chat}", "read": 0.5, "senders": []}',
    "receipt of true": '{"action": "receipt", "chat": "{chat}", "read": true, "senders": []}',
    "receipt from the future": '{"action":"receipt","chat":"{chat}","read":9,"senders":[]}',
    "receipt for a wrong sender": '{"action":"receipt","chat":"{chat}","read":1,"senders":["A"]}',
    "sync below zero": '{"action": "sync", "chats": {"{chat}": -1}}',
    "sync of a list": '{"action": "sync", "chats": ["{chat}"]}',
    "sync of a wrong chat": '{"action": "sync", "chats": {"a b": 1}}',
    "typing nowhere": '{"action": "typing"}',
    "watch of nobody": '{"action": "watch", "users": []}',
    "watch of a wrong name": '{"action": "watch", "users": ["Robert\'); DROP"]}',
    "watch of one user twice": '{"action": "watch", "users": ["raju", "raju"]}',
    "watch of 101 users": json.dumps({"action": "watch", "users": [f"u_{n}" for n in range(101)]}),
}
