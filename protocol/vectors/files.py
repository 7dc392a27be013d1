"""Vectors of encrypted files, of their names, and of what a message says of them."""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.vectors.values import PICTURE as THUMBNAIL
from protocol.vectors.values import unpadded

MIB = 1 << 20
SIZES = (1, 4_095, 4_096, 4_097, 5_000, 100_000, MIB - 1, MIB, MIB + 1, 3 * MIB)
# name -> what is left of it
NAMES = {
    "report.pdf": "report.pdf",
    "../../etc/passwd": "_.._etc_passwd",
    "C:\\Users\\ravi\\a.txt": "C__Users_ravi_a.txt",
    "": "file",
    "..": "file",
    " . ": "file",
    ".bashrc": "bashrc",
    "a\u0000b\n.txt": "a_b_.txt",
    "invoice\u202efdp.exe": "invoice_fdp.exe",
    'con?<>|*".txt': "con______.txt",
    "नमस्ते.jpg": "नमस्ते.jpg",
    "x" * 200 + ".jpeg": "x" * 123 + ".jpeg",
    "x" * 200: "x" * 128,
    "\U0001f600" * 130: "\U0001f600" * 128,
    "a." + "b" * 150: ("a." + "b" * 150)[:128],
}
KEY = "A" * 43
GOOD = {
    "kind": "file",
    "name": "report.pdf",
    "type": "application/pdf",
    "size": 5_000,
    "id": "b" * 32,
    "key": KEY,
    "digest": "B" * 43,
}
PICTURE = {**GOOD, "kind": "picture", "type": "image/jpeg", "width": 4_000, "height": 3_000}


def content(size: int) -> bytes:
    """No byte of it is 0, so that nothing of it is taken for padding."""
    return (bytes(range(1, 252)) * (size // 251 + 1))[:size]


def padded(size: int) -> int:
    if size <= 4_096:
        return 4_096
    power = 0
    while 2 ** (power + 1) <= size:
        power += 1
    bits = 0  # of `power` itself
    while 2**bits <= power:
        bits += 1
    step = int(2 ** (power - bits))
    return (size + step - 1) // step * step


def sealed(size: int) -> dict[str, Any]:
    key = hashlib.sha256(f"key of {size}".encode()).digest()
    whole = content(size) + bytes(padded(size) - size)
    chunks = [whole[start : start + MIB] for start in range(0, len(whole), MIB)]
    body = b""
    for number, chunk in enumerate(chunks):
        last = 1 if number == len(chunks) - 1 else 0
        body += AESGCM(key).encrypt(number.to_bytes(11, "big") + bytes([last]), chunk, None)
    return {
        "size": size,
        "padded": padded(size),
        "sealed": len(body),
        "key": unpadded(key),
        "digest": unpadded(hashlib.sha256(body).digest()),
    }


def attachments() -> dict[str, Any]:
    bad = {
        "no object": [],
        "no kind": {**GOOD, "kind": None},
        "another kind": {**GOOD, "kind": "film"},
        "a picture that is a program": {**PICTURE, "type": "image/svg+xml"},
        "a picture that is a page": {**PICTURE, "type": "text/html"},
        "a voice that is a film": {**GOOD, "kind": "voice", "type": "video/mp4"},
        "no type": {**GOOD, "type": "pdf"},
        "a type with parameters": {**GOOD, "type": "text/html; charset=utf-8"},
        "an empty name": {**GOOD, "name": ""},
        "a long name": {**GOOD, "name": "x" * 129},
        "a name that is none": {**GOOD, "name": 5},
        "no bytes": {**GOOD, "size": 0},
        "a broken size": {**GOOD, "size": 1.5},
        "a true size": {**GOOD, "size": True},
        "a size beyond all": {**GOOD, "size": 2**40 + 1},
        "an id that is a path": {**GOOD, "id": "../" + "b" * 30},
        "a short key": {**GOOD, "key": "A" * 42},
        "a padded key": {**GOOD, "key": "A" * 43 + "="},
        "no digest": {name: GOOD[name] for name in GOOD if name != "digest"},
        "a thumbnail of another form": {**PICTURE, "thumbnail": "PHN2Zz4"},
        "a large thumbnail": {**PICTURE, "thumbnail": THUMBNAIL + "A" * 7_200},
        "a thumbnail of no pixels": {**PICTURE, "thumbnail": THUMBNAIL.replace("BgAG", "AAAA")},
        "a width of nothing": {**PICTURE, "width": 0},
        "a long voice": {**GOOD, "duration": 86_400_001},
    }
    good = [
        GOOD,
        PICTURE,
        {**PICTURE, "thumbnail": THUMBNAIL.ljust(7_200, "A")},
        {**GOOD, "kind": "voice", "type": "audio/ogg", "duration": 1_500},
    ]
    return {
        "good": good,
        "bad": [{"why": why, "value": value} for why, value in bad.items()],
    }


def files() -> dict[str, Any]:
    return {
        "sizes": [sealed(size) for size in SIZES],
        "names": [{"name": given, "safe": safe} for given, safe in NAMES.items()],
        "attachments": attachments(),
    }
