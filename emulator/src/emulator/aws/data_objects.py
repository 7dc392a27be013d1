"""The objects of buckets, as they are saved and put back."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

Json = dict[str, Any]


def taken() -> Json:
    """Times are those of lifecycle rules: an object does not get younger by a restart."""
    return {
        bucket.name: [
            {
                "key": name,
                "type": key.metadata.get("Content-Type", ""),
                "modified": key.last_modified.isoformat(),
                "body": key.value,
            }
            for name, key in bucket.keys.items()
        ]
        for bucket in _backend().buckets.values()
    }


def restore(saved: Json, report: Callable[[str], None]) -> int:
    backend, count = _backend(), 0
    for bucket, objects in saved.items():
        if objects and bucket not in backend.buckets:
            report(f"the template has no bucket {bucket} any more: its objects are left")
            continue
        for each in objects:
            key = backend.put_object(bucket, each["key"], base64.b64decode(each["body"]))
            key.set_metadata({"Content-Type": each["type"]})
            key.last_modified = datetime.fromisoformat(each["modified"])
            count += 1
    return count


def _backend() -> Any:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
