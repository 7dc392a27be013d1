"""The objects of buckets, as they are saved and put back: a body is in a file of its own, and the
object has its digest."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

Json = dict[str, Any]


def taken() -> Json:
    """Each object has its digest already. Times are those of lifecycle rules: an object does not
    get younger by a restart."""
    return {
        bucket.name: [
            {
                "key": name,
                "type": key.metadata.get("Content-Type", ""),
                "modified": key.last_modified.isoformat(),
                "sha256": key.emulator_sha256,
            }
            for name, key in bucket.keys.items()
        ]
        for bucket in _buckets()
    }


def without_digest() -> Iterator[Any]:
    """Objects, whose `emulator_sha256` is to be set."""
    for bucket in _buckets():
        for key in bucket.keys.values():
            if getattr(key, "emulator_sha256", None) is None:
                yield key


def digests(saved: Mapping[str, Any]) -> set[str]:
    """The digests of the bodies that objects refer to, as `taken` returns them."""
    return {each["sha256"] for objects in saved.values() for each in objects if "sha256" in each}


def used_digests() -> set[str]:
    return digests(taken())


def restore(saved: Json, read: Callable[[str], bytes | None], report: Callable[[str], None]) -> int:
    """`read` gives the body of a digest, None when it is not there."""
    count = 0
    for bucket, objects in saved.items():
        backend = backend_of(bucket)
        if objects and bucket not in backend.buckets:
            report(f"the template has no bucket {bucket} any more: its objects are left")
            continue
        for each in objects:
            digest = each.get("sha256")  # none in format 2, which had the body itself
            body = read(digest) if digest else base64.b64decode(each["body"])
            if body is None:
                report(f"the body of {each['key']} in the bucket {bucket} is missing: it is left")
                continue
            key = backend.put_object(bucket, each["key"], body)
            key.emulator_sha256 = digest
            key.set_metadata({"Content-Type": each["type"]})
            key.last_modified = datetime.fromisoformat(each["modified"])
            count += 1
    return count


def backend_of(bucket: str) -> Any:
    """moto's, of which each partition has one."""
    backends = s3_backends[DEFAULT_ACCOUNT_ID]
    first = backends["aws"]  # moto makes it when it is asked for
    return next((each for each in [*backends.values()] if bucket in each.buckets), first)


def _buckets() -> Iterator[Any]:
    for backend in [*s3_backends[DEFAULT_ACCOUNT_ID].values()]:
        yield from backend.buckets.values()
