"""Writes the vectors that the Python and the TypeScript client are both tested with.

`python protocol/vectors/generate.py`; a test holds the files against what this makes. Nothing here
uses the clients' code: the vectors are a second opinion.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).parent
CHAT, ID = "Qn3jv0dXzq0Yk1mE8a2b9w", "01JDB2F6Y8W6X1T9N5R3Q7P0AB"


def seed(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def public(name: str) -> str:
    return unpadded(seed(name).public_key().public_bytes_raw())


def curve(name: str) -> str:
    """32 bytes that stand for a Curve25519 key; nothing is computed with them."""
    return unpadded(hashlib.sha256(f"curve of {name}".encode()).digest())


def canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# -- padding


def padded(size: int) -> int:
    for bucket in (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384):
        if size <= bucket:
            return bucket
    return (size + 4095) // 4096 * 4096


def padding() -> dict[str, Any]:
    sizes = [0, 1, 63, 64, 65, 128, 129, 256, 257, 512, 513, 1024, 1025, 2048, 2049, 4096, 4097]
    sizes += [8192, 8193, 16384, 16385, 20480, 20481, 24576, 24577]
    return {"sizes": [{"size": size, "padded": padded(size)} for size in sizes]}


# -- signatures


def signed(document: dict[str, Any], by: str) -> dict[str, Any]:
    text = canonical(document)
    return {
        "document": document,
        "canonical": text,
        "ed25519": public(by),
        "signature": unpadded(seed(by).sign(text.encode())),
    }


def signing() -> dict[str, Any]:
    device = {
        "user": "ravi",
        "device": "phone",
        "curve25519": curve("ravi/phone"),
        "ed25519": public("ravi/phone"),
    }
    key = {"user": "ravi", "device": "phone", "id": "AAAAAAAAAAA", "key": curve("otk 1")}
    fallback = {**key, "id": "AAAAAAAAAAE", "key": curve("fallback 1"), "fallback": True}
    introduction = {**device, "device": "web", "by": "phone", "ed25519": public("ravi/web")}
    good = [signed(document, "ravi/phone") for document in (device, key, fallback, introduction)]
    odd = {"z": 1, "a": 'नमस्ते "x"\\', "m": {"b": [1, 2], "a": None}, "t": True}
    good.append(signed(odd, "odd"))
    bad = [
        {**good[0], "ed25519": public("raju/phone"), "why": "another device's key"},
        {**good[1], "signature": good[2]["signature"], "why": "another key's signature"},
        {
            **good[2],
            "document": {name: fallback[name] for name in fallback if name != "fallback"},
            "why": "a fallback key passed off as a one-time key",
        },
        {**good[0], "signature": "A" * 86, "why": "no signature"},
        {**good[0], "signature": "no base64!", "why": "not base64"},
    ]
    return {
        "good": good,
        "bad": [{k: v for k, v in one.items() if k != "canonical"} for one in bad],
    }


# -- envelopes


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


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def envelopes() -> dict[str, Any]:
    hello = envelope(kind="text", text="hello")
    copy = envelope(kind="copy", of=ID, text="hello", sent_at=1_732_000_000_123)
    good = [
        ("a text", hello),
        ("any text", envelope(kind="text", text='नमस्ते राजू 👋🏽 \u0000\u001f\\"/\u2028')),
        ("a copy", copy),
        ("a key", envelope(kind="room_key", session_id=curve("session"), key="A" * 306)),
        ("a request", envelope(kind="request", of=[ID])),
        ("emoji", envelope(kind="sas", txn="b7c1", step="start", methods=["emoji"])),
        ("an unknown kind and an unknown field", envelope(kind="confetti", colours=["red"])),
    ]
    group = without(envelope(kind="text", text="to all"), "to", "to_key")
    # what stands inside, and the text that is read
    halves = [
        ("the first half of a character in a text", {**hello, "text": "so \ud83d"}, "so \ufffd"),
        ("the second half of one", {**hello, "text": "\udc4b so"}, "\ufffd so"),
        (
            "halves in the wrong order, beside a whole one",
            {**hello, "text": "\udc4b\ud83d 👋"},
            "\ufffd\ufffd 👋",
        ),
        ("half a character in a copy", {**copy, "text": "so \ud83d"}, "so \ufffd"),
    ]
    bad: list[tuple[str, Any]] = [
        ("another chat", {**hello, "chat": "another"}),
        ("another message", {**hello, "id": "01JDB2F6Y8W6X1T9N5R3Q7P0AC"}),
        ("another sender", {**hello, "from": "mira/phone"}),
        ("another sender's key", {**hello, "from_key": public("mira/phone")}),
        ("another receiver", {**hello, "to": "raju/phone"}),
        ("another receiver's key", {**hello, "to_key": public("raju/phone")}),
        *[(f"no {name}", without(hello, name)) for name in hello if name not in ("v", "text")],
        ("an id that is no text", {**hello, "id": 7}),
        ("a kind that is no text", {**hello, "kind": 7}),
        ("a version that is not known", {**hello, "v": 2}),
        ("a version that is true", {**hello, "v": True}),
        ("a version that is a text", {**hello, "v": "1"}),
        ("no version", without(hello, "v")),
        ("half a character in the kind", {**hello, "kind": "text\ud83d"}),
        ("half a character in the ids of a request", envelope(kind="request", of=[ID, "\ud83d"])),
        ("half a character in the id of a copy", {**copy, "of": ID + "\udc4b"}),
        ("half a character in a key", envelope(kind="room_key", session_id="\ud83d", key="A")),
        ("half a character in a comparison", envelope(kind="sas", txn="\ud83d", step="start")),
        ("half a character in a field that is not known", {**hello, "colours": [{"a": "\ud83d"}]}),
        ("half a character in the name of a field", {**hello, "\ud83d": 1}),
        ("half a character in a field of an unknown kind", envelope(kind="odd", a="\ud83d")),
        ("no object", [hello]),
    ]
    context = without(envelope(), "v")
    return {
        "context": context,
        "olm": [{"what": w, "envelope": d, "plaintext": text_of(d)} for w, d in good],
        "megolm": [{"what": "to a group", "envelope": group, "plaintext": text_of(group)}],
        # read with that text, and never written like that
        "mended": [
            {"what": what, "envelope": {**document, "text": text}, "plaintext": text_of(document)}
            for what, document, text in halves
        ],
        "refused": [
            *[{"what": what, "plaintext": text_of(document)} for what, document in bad],
            {"what": "no JSON", "plaintext": "hello".ljust(64)},
            {
                "what": "a number that JSON does not have",
                "plaintext": text_of({**hello, "colours": float("nan")}),
            },
            {"what": "nothing", "plaintext": ""},
        ],
    }


# -- safety numbers


def digits_of_user(user: str, devices: dict[str, str]) -> str:
    """30 digits. `devices`: name -> Ed25519 key, unpadded base64."""
    data = b"\x00\x01"
    for name in sorted(devices, key=str.encode):
        data += name.encode() + b"\x00" + base64.b64decode(devices[name] + "=")
    digest = hashlib.sha512(data + user.encode()).digest()
    for _ in range(5_199):
        digest = hashlib.sha512(digest + data).digest()
    groups = (digest[at : at + 5] for at in range(0, 30, 5))
    return "".join(f"{int.from_bytes(group, 'big') % 100_000:05d}" for group in groups)


def safety_number(one: str, other: str, names: dict[str, list[str]]) -> dict[str, Any]:
    users = {
        user: {name: public(f"{user}/{name}") for name in names[user]} for user in (one, other)
    }
    first, second = sorted(users)
    digits = {user: digits_of_user(user, devices) for user, devices in users.items()}
    return {
        "users": users,
        "digits": digits,
        "number": digits[first] + digits[second],
        "qr": f"switchboard:1:{first}:{digits[first]}:{second}:{digits[second]}",
    }


def safety_numbers() -> dict[str, Any]:
    many = ["phone", "Laptop", "a-tablet", "_", "Z9", "phone2"]
    return {
        "numbers": [
            safety_number("ravi", "raju", {"ravi": ["phone"], "raju": ["phone"]}),
            safety_number("raju", "ravi", {"ravi": ["phone", "laptop"], "raju": ["phone"]}),
            safety_number("zoe", "a_b", {"zoe": many, "a_b": ["phone"]}),
        ]
    }


# -- links


def link(device: str, label: str) -> dict[str, Any]:
    offer = {
        "curve25519": curve(device),
        "device": device,
        "ed25519": public(device),
        "label": label,
        "one_time_key": curve(f"one-time key of {device}"),
    }
    digest = hashlib.sha256(f"SWITCHBOARD_LINK|{canonical(offer)}".encode()).digest()
    return {"offer": offer, "code": base64.b32encode(digest[:20]).decode()}


def links() -> dict[str, Any]:
    one = link("web-1", "Chrome on Linux")
    code = one["code"]
    groups = " ".join(code[at : at + 4] for at in range(0, 32, 4))
    return {
        "links": [one, link("_", '"Quoted" \\ ~'), link("Z" * 64, "x" * 64)],
        "groups": groups,
        "typed": [
            *(code, groups, groups.replace(" ", "-"), groups.lower(), f"  {code}\n"),
            *(f"SWITCHBOARD:LINK:1:{code}", f"switchboard:link:1:{code.lower()}"),
        ],
        "no_codes": [
            *("", code[:-1], f"{code}A", code.replace(code[0], "1"), f"SWITCHBOARD:LINK:2:{code}"),
            *(f"https://example.com/{code}", f"SWITCHBOARD:LINK:1:SWITCHBOARD:LINK:1:{code}"),
        ],
    }


# -- introductions


def listed(device: str, by: str = "") -> dict[str, Any]:
    """raju's `device` as the directory lists it, signed by itself or by another one."""
    keys = {"curve25519": curve(f"raju/{device}"), "ed25519": public(f"raju/{by or device}")}
    document = canonical({"user": "raju", "device": device, **keys})
    return {
        "keys": keys,
        "signature": unpadded(seed(f"raju/{by or device}").sign(document.encode())),
    }


def introduced(device: str, by: str, signer: str = "", /, **other: str) -> dict[str, Any]:
    """Likewise, with what `by` has signed about it; or a `signer` in its name, or about `other`."""
    entry = listed(device)
    document = canonical({"user": "raju", "device": device, "by": by, **entry["keys"], **other})
    signature = unpadded(seed(f"raju/{signer or by}").sign(document.encode()))
    return {**entry, "introduction": {"by": by, "signature": signature}}


def introductions() -> dict[str, Any]:
    """raju's phone is listed, and verified or only seen by ravi; what the devices are that are
    listed beside it then. Where there are keys that were `linked`, raju's tablet looks, which has
    linked a device with these."""
    web, plain = introduced("web", "phone"), listed("web")
    its_own = {"by": "phone", "signature": plain["signature"]}
    stranger = {**listed("web", "stranger"), "introduction": web["introduction"]}
    watch = introduced("watch", "web")
    cases: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
        ("by a verified device", "verified", {"web": web}, {"web": "verified"}),
        ("by a device that was only seen", "seen", {"web": web}, {"web": "seen"}),
        (
            "by one that was introduced itself",
            "verified",
            {"a_watch": introduced("a_watch", "web"), "web": web},
            {"a_watch": "verified", "web": "verified"},
        ),
        (
            "by one that nobody introduced",
            "verified",
            {"watch": watch, "web": plain},
            {"watch": "changed", "web": "changed"},
        ),
        (
            "by each other",
            "verified",
            {"watch": watch, "web": introduced("web", "watch")},
            {"watch": "changed", "web": "changed"},
        ),
    ]
    wrong = [
        ("none", plain),
        ("by itself", introduced("web", "web")),
        ("by one that is not there", introduced("web", "tablet")),
        ("signed by another one in its name", introduced("web", "phone", "stranger")),
        ("for another user", introduced("web", "phone", user="mallory")),
        ("for another name", introduced("web", "phone", device="watch")),
        ("in another name", {**plain, "introduction": {**web["introduction"], "by": "web"}}),
        ("for another key that signs", introduced("web", "phone", ed25519=public("other"))),
        ("for another key that encrypts", introduced("web", "phone", curve25519=curve("other"))),
        ("put beside another device", stranger),
        ("that is the device's own signature", {**plain, "introduction": its_own}),
        ("with an empty signature", {**plain, "introduction": {"by": "phone", "signature": ""}}),
    ]
    cases += [(what, "verified", {"web": entry}, {"web": "changed"}) for what, entry in wrong]
    by_own = {"web": introduced("web", "tablet"), "watch": watch}
    own = [
        ("by one that this device has linked", plain["keys"], "verified"),
        ("by one that shows other keys than were linked", stranger["keys"], "changed"),
    ]
    return {
        "phone": listed("phone"),
        "cases": [
            {"what": what, "phone": phone, "linked": {}, "listed": news, "trust": trust}
            for what, phone, news, trust in cases
        ]
        + [
            {
                "what": what,
                "phone": "verified",
                "linked": {"web": keys},
                "listed": by_own,
                "trust": {"watch": trust, "web": trust},
            }
            for what, keys, trust in own
        ],
    }


# -- emoji


TABLE = """
🐶 Dog, 🐱 Cat, 🦁 Lion, 🐎 Horse, 🦄 Unicorn, 🐷 Pig, 🐘 Elephant, 🐰 Rabbit, 🐼 Panda,
🐓 Rooster, 🐧 Penguin, 🐢 Turtle, 🐟 Fish, 🐙 Octopus, 🦋 Butterfly, 🌷 Flower, 🌳 Tree,
🌵 Cactus, 🍄 Mushroom, 🌏 Globe, 🌙 Moon, ☁️ Cloud, 🔥 Fire, 🍌 Banana, 🍎 Apple,
🍓 Strawberry, 🌽 Corn, 🍕 Pizza, 🎂 Cake, ❤️ Heart, 😀 Smiley, 🤖 Robot, 🎩 Hat, 👓 Glasses,
🔧 Spanner, 🎅 Santa, 👍 Thumbs Up, ☂️ Umbrella, ⌛ Hourglass, ⏰ Clock, 🎁 Gift,
💡 Light Bulb, 📕 Book, ✏️ Pencil, 📎 Paperclip, ✂️ Scissors, 🔒 Lock, 🔑 Key, 🔨 Hammer,
☎️ Telephone, 🏁 Flag, 🚂 Train, 🚲 Bicycle, ✈️ Aeroplane, 🚀 Rocket, 🏆 Trophy, ⚽ Ball,
🎸 Guitar, 🎺 Trumpet, 🔔 Bell, ⚓ Anchor, 🎧 Headphones, 📁 Folder, 📌 Pin"""


def indices(six: bytes) -> list[int]:
    bits = int.from_bytes(six, "big")
    return [bits >> (48 - 6 * (place + 1)) & 63 for place in range(7)]


def emoji() -> dict[str, Any]:
    samples = [bytes(6), b"\xff" * 6, bytes(range(6)), hashlib.sha256(b"emoji").digest()[:6]]
    start = {"kind": "sas", "methods": ["emoji"], "step": "start", "txn": "Zq3kT0b1"}
    key = curve("ephemeral key of the accepting device")
    commitment = hashlib.sha256((key + canonical(start)).encode()).digest()
    return {
        "table": [entry.strip().split(" ", 1) for entry in TABLE.split(",")],
        "indices": [{"bytes": six.hex(), "indices": indices(six)} for six in samples],
        "commitment": {"start": start, "key": key, "commitment": unpadded(commitment)},
    }


# -- contents


OF = {"by": "ravi/phone", "id": ID}
PICTURE = "/9j/wAARCABgAGADAREAAhEBAxEB"  # a JPEG's header, of 96 x 96 pixels


FILE = {
    "kind": "file",
    "name": "report.pdf",
    "type": "application/pdf",
    "size": 5_000,
    "id": "b" * 32,
    "key": unpadded(hashlib.sha256(b"key").digest()),
    "digest": unpadded(hashlib.sha256(b"digest").digest()),
}


def contents() -> dict[str, Any]:
    """What each client reads: the same fields, or a kind that it shows instead."""
    of = OF
    text = {"v": 1, "kind": "text", "text": "hello"}
    good = [
        ("a text", text),
        ("a reply", {**text, "reply": of}),
        ("a text that disappears", {**text, "expires": 3_600}),
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
                "reply": of,
                "expires": 60,
            },
        ),
        ("a reaction", {"v": 1, "kind": "reaction", "of": of, "emoji": "\U0001f44d\U0001f3fd"}),
        (
            "a reaction of several characters",
            {"v": 1, "kind": "reaction", "of": of, "emoji": "\u2764\ufe0f\u200d\U0001f525"},
        ),
        ("a reaction taken back", {"v": 1, "kind": "reaction", "of": of, "emoji": None}),
        ("an edit", {"v": 1, "kind": "edit", "of": of, "text": "hello again"}),
        ("a deletion", {"v": 1, "kind": "deletion", "of": of}),
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
    profile = {"v": 1, "kind": "profile", "name": None, "picture": None, "at": 0}
    cleaned = [
        ("a name that turns the writing", "ab\u202ecd", "ab\ufffdcd"),
        ("a name with control characters", "a\u0000b\u009bc\n", "a\ufffdb\ufffdc\ufffd"),
        ("a name with spaces around it", "  Ravi  ", "Ravi"),
        ("a name with an isolate", "\u2066x\u2069", "\ufffdx\ufffd"),
    ]
    unreadable = [
        ("no object", "hello"),
        ("a list", [text]),
        ("nothing", None),
        ("no version", without(text, "v")),
        ("version 0", {**text, "v": 0}),
        ("a version that is true", {**text, "v": True}),
        ("a version that is a text", {**text, "v": "1"}),
        ("half a version", {**text, "v": 1.5}),
        ("no kind", without(text, "kind")),
        ("a kind that is a number", {**text, "kind": 1}),
        ("a text without text", without(text, "text")),
        ("an empty text", {**text, "text": ""}),
        ("a text that is a number", {**text, "text": 1}),
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
        ("a reply to nothing", {**text, "reply": None}),
        ("a reply to a text", {**text, "reply": ID}),
        (
            "a reply to a key",
            {**text, "reply": {**of, "id": "0f2c8a52-5e0b-4b8e-9d51-1f1f0d3a7c11"}},
        ),
        ("a reply to nobody", {**text, "reply": {"id": ID}}),
        ("a reply to a user without device", {**text, "reply": {**of, "by": "ravi"}}),
        ("a time below one second", {**text, "expires": 0}),
        ("a time that never ends", {**text, "expires": 31_536_001}),
        ("a time that is true", {**text, "expires": True}),
        ("a time in parts of a second", {**text, "expires": 1.5}),
        ("a reaction to nothing", {"v": 1, "kind": "reaction", "emoji": "\U0001f44d"}),
        ("a reaction without emoji", {"v": 1, "kind": "reaction", "of": of}),
        ("an empty reaction", {"v": 1, "kind": "reaction", "of": of, "emoji": ""}),
        ("a reaction in words", {"v": 1, "kind": "reaction", "of": of, "emoji": "no"}),
        (
            "a reaction that turns the writing",
            {"v": 1, "kind": "reaction", "of": of, "emoji": "\u202e\U0001f44d"},
        ),
        ("a long reaction", {"v": 1, "kind": "reaction", "of": of, "emoji": "\U0001f44d" * 17}),
        ("a reaction with a line", {"v": 1, "kind": "reaction", "of": of, "emoji": "\U0001f44d\n"}),
        ("an edit of nothing", {"v": 1, "kind": "edit", "text": "hello"}),
        ("an edit to nothing", {"v": 1, "kind": "edit", "of": of, "text": ""}),
        ("a deletion of everything", {"v": 1, "kind": "deletion", "of": "*"}),
        ("a timer that is below nothing", {"v": 1, "kind": "timer", "seconds": -1}),
        ("a timer at no place", {"v": 1, "kind": "timer", "seconds": 1, "at": 0}),
        ("a chat without name", {"v": 1, "kind": "chat_name"}),
        ("a name of spaces", {"v": 1, "kind": "chat_name", "name": "   "}),
        ("a long name", {"v": 1, "kind": "chat_name", "name": "x" * 65}),
        ("a picture of another type", {"v": 1, "kind": "chat_picture", "picture": "PHN2Zz4"}),
        ("a large picture", {"v": 1, "kind": "chat_picture", "picture": PICTURE + "A" * 7_200}),
        ("a picture with a line", {"v": 1, "kind": "chat_picture", "picture": PICTURE + "\n"}),
        ("a profile without time", without(profile, "at")),
        ("a profile without name", without(profile, "name")),
        ("a profile before all time", {**profile, "at": -1}),
    ]
    return {
        "good": [{"what": what, "content": content} for what, content in good],
        "cleaned": [{"what": w, "name": name, "shown": shown} for w, name, shown in cleaned],
        "more": {**text, "colour": "red", "at": 7},  # fields that are not known are ignored
        "unknown": [
            {"what": "a kind that is not known", "content": {**text, "kind": "poll"}},
            {"what": "a kind that objects have", "content": {**text, "kind": "constructor"}},
            {"what": "a newer version", "content": {**text, "v": 2}},
            {"what": "a newer version without kind", "content": {"v": 3}},
            {"what": "a version above 2^53", "content": {**text, "v": 1 << 60}},
        ],
        "unreadable": [{"what": what, "content": content} for what, content in unreadable],
    }


# -- views


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


def story() -> dict[str, Any]:
    """Messages of a group, as a device of ravi gets them, and what it shows in the end."""
    texts = {"a": "01JDB2F6Y8W6X1T9N5R3Q7P0AA", "b": "01JDB2F6Y8W6X1T9N5R3Q7P0AC"}
    first, second = {"by": "raju/phone", "id": texts["a"]}, {"by": "mira/web", "id": texts["b"]}
    quoted = {"v": 1, "kind": "text", "text": "an answer", "reply": first}
    said = [
        ("raju/phone", texts["a"], {"v": 1, "kind": "text", "text": "a secret"}),
        ("mira/web", texts["b"], quoted),
        ("raju/web", None, {"v": 1, "kind": "edit", "of": first, "text": "a newer secret"}),
        ("mira/web", None, {"v": 1, "kind": "edit", "of": first, "text": "forged"}),
        ("mira/web", None, {"v": 1, "kind": "edit", "of": second, "text": "the answer"}),
        ("raju/web", None, {"v": 1, "kind": "edit", "of": second, "text": "forged"}),
        ("raju/phone", None, {"v": 1, "kind": "reaction", "of": second, "emoji": "\U0001f44d"}),
        ("ravi/web", None, {"v": 1, "kind": "reaction", "of": second, "emoji": "\u2b50"}),
        ("raju/web", None, {"v": 1, "kind": "reaction", "of": second, "emoji": "\u2705"}),
        ("mira/web", None, {"v": 1, "kind": "reaction", "of": first, "emoji": "\u2705"}),
        ("mira/web", None, {"v": 1, "kind": "chat_name", "name": "One"}),
        ("raju/web", None, {"v": 1, "kind": "chat_name", "name": "Two"}),
        ("mira/web", None, {"v": 1, "kind": "chat_name", "name": "One", "at": 11}),
        ("raju/phone", None, {"v": 1, "kind": "timer", "seconds": 60}),
        ("mira/web", None, {"v": 1, "kind": "deletion", "of": first}),
        ("raju/web", None, {"v": 1, "kind": "deletion", "of": first}),
        ("mira/web", None, {"v": 1, "kind": "poll"}),
        ("mira/web", None, {"v": 1, "kind": "reaction", "of": 7}),
    ]
    messages = [
        {
            "seq": seq,
            "by": by,
            "id": name or f"01935a00-0000-7000-8000-{seq:012d}",
            "content": content,
        }
        for seq, (by, name, content) in enumerate(said, 1)
    ]
    reactions = [["ravi", "\u2b50"], ["raju", "\u2705"]]
    shown = [
        [1, "text", "", True, []],
        [2, "text", "the answer", False, reactions],
        [11, "chat_name", "", False, []],
        [12, "chat_name", "", False, []],
        [14, "timer", "", False, []],
        [17, "unknown", "", False, []],
        [18, "unreadable", "", False, []],
    ]
    return {
        "messages": messages,
        "history": [
            dict(zip(("seq", "kind", "text", "deleted", "reactions"), each, strict=True))
            for each in shown
        ],
        "name": "Two",
        "timer": 60,
        "unread": 1,
        "gone": "secret",
    }


def views() -> dict[str, Any]:
    """What is seen of a message of ravi after these changes, in whatever order they come."""
    heart, thumb = "\u2764\ufe0f", "\U0001f44d"
    first, second = change(3, "ravi", "edit", text="one"), change(5, "ravi", "edit", text="two")
    forged = [change(6, "raju", "edit", text="forged"), change(7, "raju", "deletion")]
    deletion = change(8, "ravi", "deletion")
    none: list[dict[str, Any]] = []

    def scene(
        what: str, changes: Any, text: Any = None, deleted: Any = False, reactions: Any = ()
    ) -> dict[str, Any]:
        return {
            "what": what,
            "changes": changes,
            "text": text,
            "deleted": deleted,
            "reactions": [list(each) for each in reactions],
        }

    names = [
        ("no name", none, None),
        ("a name", [setting(2, "One")], "One"),
        ("the last of two", [setting(2, "One"), setting(4, "Two")], "Two"),
        ("a name taken back", [setting(2, "One"), setting(4, None)], None),
        ("an older one for newcomers", [setting(4, "Two"), setting(5, "One", at=2)], "Two"),
        ("one for newcomers alone", [setting(5, "One", at=2)], "One"),
        ("the original before what repeats it", [setting(2, "One"), setting(5, "no", at=2)], "One"),
        ("one that claims to stand above", [setting(5, "no", at=99), setting(6, "One")], "One"),
        ("two that repeat", [setting(5, "One", at=2), setting(6, "Two", at=4)], "Two"),
    ]
    return {
        "of": OF,
        "story": story(),
        "messages": [
            scene("nothing", none),
            scene("an edit", [first], "one"),
            scene("the last of two edits", [first, second], "two"),
            scene("what others write into it", [first, *forged], "one"),
            scene(
                "a deletion", [first, second, reaction(4, "raju", heart), deletion], deleted=True
            ),
            scene(
                "an edit after the deletion",
                [deletion, change(9, "ravi", "edit", text="x")],
                deleted=True,
            ),
            scene(
                "one reaction for each user",
                [
                    reaction(2, "raju", heart),
                    reaction(3, "mira", thumb),
                    reaction(4, "raju", thumb),
                ],
                reactions=[("mira", thumb), ("raju", thumb)],
            ),
            scene(
                "a reaction taken back",
                [reaction(2, "raju", heart), reaction(3, "raju", None), reaction(4, "ravi", heart)],
                reactions=[("ravi", heart)],
            ),
        ],
        "names": [{"what": what, "writings": all_, "name": name} for what, all_, name in names],
    }


FILES = {
    "padding": padding,
    "signing": signing,
    "envelopes": envelopes,
    "safety_numbers": safety_numbers,
    "links": links,
    "introductions": introductions,
    "emoji": emoji,
    "contents": contents,
    "views": views,
}


def rendered(name: str) -> str:
    return json.dumps(FILES[name](), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    for name in FILES:
        (HERE / f"{name}.json").write_text(rendered(name), encoding="utf-8")
