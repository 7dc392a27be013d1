"""Vectors of what devices sign, how they introduce each other, and of codes that link them."""

import base64
import hashlib
from typing import Any

from protocol.vectors.values import canonical, curve, public, seed, unpadded


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


WEB, PLAIN, WATCH = introduced("web", "phone"), listed("web"), introduced("watch", "web")
STRANGER = {**listed("web", "stranger"), "introduction": WEB["introduction"]}
ITS_OWN = {"by": "phone", "signature": PLAIN["signature"]}
# what is listed beside raju's phone, which ravi has verified or only seen, and what that is to ravi
CHAINS = [
    ("by a verified device", "verified", {"web": WEB}, {"web": "verified"}),
    ("by a device that was only seen", "seen", {"web": WEB}, {"web": "seen"}),
    (
        "by one that was introduced itself",
        "verified",
        {"a_watch": introduced("a_watch", "web"), "web": WEB},
        {"a_watch": "verified", "web": "verified"},
    ),
    (
        "by one that nobody introduced",
        "verified",
        {"watch": WATCH, "web": PLAIN},
        {"watch": "changed", "web": "changed"},
    ),
    (
        "by each other",
        "verified",
        {"watch": WATCH, "web": introduced("web", "watch")},
        {"watch": "changed", "web": "changed"},
    ),
]
WRONG = [
    ("none", PLAIN),
    ("by itself", introduced("web", "web")),
    ("by one that is not there", introduced("web", "tablet")),
    ("signed by another one in its name", introduced("web", "phone", "stranger")),
    ("for another user", introduced("web", "phone", user="mallory")),
    ("for another name", introduced("web", "phone", device="watch")),
    ("in another name", {**PLAIN, "introduction": {**WEB["introduction"], "by": "web"}}),
    ("for another key that signs", introduced("web", "phone", ed25519=public("other"))),
    ("for another key that encrypts", introduced("web", "phone", curve25519=curve("other"))),
    ("put beside another device", STRANGER),
    ("that is the device's own signature", {**PLAIN, "introduction": ITS_OWN}),
    ("with an empty signature", {**PLAIN, "introduction": {"by": "phone", "signature": ""}}),
]
# raju's tablet looks, which has linked `web` with these keys
OWN = [
    ("by one that this device has linked", PLAIN["keys"], "verified"),
    ("by one that shows other keys than were linked", STRANGER["keys"], "changed"),
]


def introductions() -> dict[str, Any]:
    """What the devices are that are listed beside raju's phone."""
    chains = CHAINS + [(what, "verified", {"web": web}, {"web": "changed"}) for what, web in WRONG]
    by_own = {"web": introduced("web", "tablet"), "watch": WATCH}
    return {
        "phone": listed("phone"),
        "cases": [
            {"what": what, "phone": phone, "linked": {}, "listed": news, "trust": trust}
            for what, phone, news, trust in chains
        ]
        + [
            {
                "what": what,
                "phone": "verified",
                "linked": {"web": keys},
                "listed": by_own,
                "trust": {"watch": trust, "web": trust},
            }
            for what, keys, trust in OWN
        ],
    }
