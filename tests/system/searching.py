"""Looks for a text in everything that a running backend holds, in every way it could be spelled."""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import boto3
import httpx

from tests.support.running_system import WITHIN

URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Place(NamedTuple):
    """Something that was looked through; `kind` is table, queue, memory, log, push, console or
    file."""

    kind: str
    name: str
    content: bytes


class Found(NamedTuple):
    kind: str
    name: str
    spelling: str


def spellings(text: str) -> dict[str, bytes]:
    """How `text` may stand inside something longer that was encoded as a whole."""
    raw = text.encode()
    found = {
        "plain": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "UTF-16, little endian": text.encode("utf-16-le"),
        "UTF-16, big endian": text.encode("utf-16-be"),
        "in a URL": quote(text, safe="").encode(),
        "in a URL, each byte": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "in a URL, each BYTE": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "in JSON": json.dumps(text)[1:-1].encode(),
        "in JSON, in JSON": json.dumps(json.dumps(text)[1:-1])[1:-1].encode(),
        "in JSON, each character": "".join(f"\\u{ord(each):04x}" for each in text).encode(),
    }
    for shift in range(3):
        # what stands before and behind decides the first and the last character
        whole = base64.b64encode(bytes(shift) + raw)
        inside = whole[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]
        found[f"base64, {shift} bytes in"] = inside
        found[f"base64url, {shift} bytes in"] = inside.translate(URL_SAFE)
    return found


def search(texts: Iterable[str], places: Iterable[Place]) -> set[Found]:
    """Where any of `texts` stands."""
    wanted = [each for text in texts for each in spellings(text).items()]
    return {
        Found(place.kind, place.name, spelling)
        for place in places
        for spelling, spelled in wanted
        if spelled in place.content
    }


def aws(endpoints: dict[str, Any], service: str) -> Any:
    """A client of the emulated AWS."""
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=endpoints["aws"],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def table_of(endpoints: dict[str, Any], name: str) -> str:
    names: list[str] = aws(endpoints, "dynamodb").list_tables()["TableNames"]
    (found,) = (each for each in names if name in each)
    return found


def queues_of(endpoints: dict[str, Any], name: str) -> list[str]:
    urls: list[str] = aws(endpoints, "sqs").list_queues()["QueueUrls"]
    return [url for url in urls if name in url]


def everything(endpoints: dict[str, Any], state: Path) -> list[Place]:
    return [
        *tables(endpoints),
        *queues(endpoints),
        memory(endpoints),
        *console(endpoints),
        *files(state),
    ]


def tables(endpoints: dict[str, Any]) -> Iterator[Place]:
    """Every item of every table."""
    dynamodb = aws(endpoints, "dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=name):
            for item in page["Items"]:
                yield Place("table", name, _json(item))


def queues(endpoints: dict[str, Any], name: str = "") -> Iterator[Place]:
    """What waits in queues, dead-letter queues among them, and can be received; it stays there.
    Only of those with `name` in theirs."""
    sqs = aws(endpoints, "sqs")
    for url in queues_of(endpoints, name):
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        for message in received.get("Messages", []):
            yield Place("queue", url.rpartition("/")[2], _json(message))


def memory(endpoints: dict[str, Any]) -> Place:
    """What the emulator remembers of queues and push endpoints: also each message that was received
    and deleted since."""
    response = httpx.get(f"{endpoints['aws']}/moto-api/data.json", timeout=WITHIN)
    response.raise_for_status()
    return Place("memory", "moto", response.content)


def console(endpoints: dict[str, Any]) -> Iterator[Place]:
    """What the console shows, and the pushes as the phones received them."""
    base = f"{endpoints['console']}/_local"
    yield Place("console", "state", httpx.get(f"{base}/state", timeout=WITHIN).content)
    phones = httpx.get(f"{base}/phones", timeout=WITHIN).json()["phones"]
    for token in (phone["token"] for phone in phones):
        shown = httpx.get(f"{base}/phones/{quote(token, safe='')}", timeout=WITHIN)
        yield Place("push", token, shown.content)


def files(state: Path) -> Iterator[Place]:
    """What is in the state directory: logs, what the command printed, and all the rest.

    Not the traces: they are events and requests as they came, also those of a client that forgets
    to encrypt, for the eyes of this machine's user (docs/decisions/0051).
    """
    for directory, _, names in os.walk(state):
        for path in (Path(directory) / name for name in names):
            if path.is_symlink() or path.suffix == ".traces":  # the former to a package
                continue
            log = path.suffix == ".log" or path.name == "output.txt"
            name = str(path.relative_to(state))
            yield Place("log" if log else "file", name, path.read_bytes())


def _json(document: Any) -> bytes:
    """A text that has quotes or the like is escaped here, once."""
    return json.dumps(document, ensure_ascii=False, default=str).encode()
