"""Lifecycle rules: what has expired is deleted.

moto stores the rules and deletes nothing. "S3 calculates the expiration date by adding the number
of days to the creation time and rounding up to the next day midnight UTC":
https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from moto.s3.models import s3_backends

DAY = 86_400


def sweep(now: float) -> int:
    """Delete what expired before `now` (epoch seconds) in every bucket; gives how many."""
    deleted = 0
    for partitions in s3_backends.values():
        for backend in partitions.values():
            for bucket in backend.buckets.values():
                for key in list(_expired(bucket, now)):
                    backend.delete_object(bucket.name, key)
                    deleted += 1
    return deleted


def expires_at(created: float, days: int) -> float:
    """When an object expires, in epoch seconds, as `created`."""
    return math.ceil((created + days * DAY) / DAY) * DAY


def _expired(bucket: Any, now: float) -> Iterator[str]:
    for rule in bucket.rules:
        if rule.status != "Enabled" or not rule.expiration_days:
            continue
        prefix = (rule.filter.prefix if rule.filter else rule.prefix) or ""
        for name, key in bucket.keys.items():
            created = key.last_modified.replace(tzinfo=UTC).timestamp()
            if name.startswith(prefix) and expires_at(created, int(rule.expiration_days)) <= now:
                yield name
