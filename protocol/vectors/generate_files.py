"""Writes the vectors of encrypted files, files.json, that both clients are tested with.

`python protocol/vectors/generate_files.py`; a test holds the file against what this makes. Nothing
here uses the clients' code: the vectors are a second opinion.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = Path(__file__).parent
FILES = ("files",)
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
THUMBNAIL = "/9j/wAARCABgAGADAREAAhEBAxEB"  # a JPEG's header, of 96 x 96 pixels
PICTURE = {**GOOD, "kind": "picture", "type": "image/jpeg", "width": 4_000, "height": 3_000}


def unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


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


def rendered(name: str) -> str:
    made = {
        "sizes": [sealed(size) for size in SIZES],
        "names": [{"name": given, "safe": safe} for given, safe in NAMES.items()],
        "attachments": attachments(),
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for each in FILES:
        (HERE / f"{each}.json").write_text(rendered(each), encoding="utf-8")
