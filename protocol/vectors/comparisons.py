"""Vectors of what people compare: safety numbers and emoji."""

import base64
import hashlib
from typing import Any

from protocol.vectors.values import canonical, curve, public, unpadded


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
