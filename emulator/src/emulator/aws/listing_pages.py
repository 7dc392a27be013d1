"""Pages of listings that moto cuts off without a token for the rest, or gives whole.

Source: ListBuckets, Amazon S3; ListKeys and ListAliases, AWS KMS; ListTables and ListStreams,
Amazon DynamoDB, API references.
"""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.kms.responses import KmsResponse
from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from emulator.aws.hooks import replace

_MOST_BUCKETS, _MOST_STREAMS = 10_000, 100
_OF_KMS = (("list_keys", "Keys", "KeyId", 100), ("list_aliases", "Aliases", "AliasName", 50))


def install() -> None:
    for operation, field, name, default in _OF_KMS:
        original = getattr(KmsResponse, operation)
        replace(KmsResponse, operation, _of_kms(original, field, name, default))
    replace(S3Response, "all_buckets", _buckets(S3Response.all_buckets))
    replace(S3Backend, "list_buckets", _all_by_name(S3Backend.list_buckets))
    replace(DynamoDBBackend, "list_tables", _tables)
    replace(DynamoDBStreamsHandler, "list_streams", _streams)


def _after(names: Sequence[str], last: str, limit: int) -> tuple[slice, str | None]:
    """Which of the names, in their order, are on the page after `last`, and the last one of the
    page where there are more."""
    begin = bisect_right(names, last) if last else 0
    end = begin + limit
    return slice(begin, end), names[end - 1] if end < len(names) else None


def _token(last: str | None) -> str | None:
    return None if last is None else base64.b64encode(last.encode()).decode()


def _named(token: Any, error: Exception) -> str:
    """The name in a token. Raises the error for one that no page had."""
    try:
        return base64.b64decode(str(token or ""), validate=True).decode()
    except (binascii.Error, ValueError):
        raise error from None


def _of_kms(original: Any, field: str, name: str, default: int) -> Callable[[Any], str]:
    def operation(self: Any) -> str:
        response = json.loads(original(self))
        listed = sorted(response[field], key=lambda each: each[name])
        invalid = JsonRESTError("InvalidMarkerException", "Could not deserialize marker.")
        last = _named(self._get_param("Marker"), invalid)
        page, end = _after(
            [each[name] for each in listed], last, self._get_param("Limit") or default
        )
        more = {} if end is None else {"NextMarker": _token(end)}
        return json.dumps({field: listed[page], "Truncated": end is not None, **more})

    return operation


def _all_by_name(original: Any) -> Callable[..., list[Any]]:
    def list_buckets(
        self: Any, prefix: str | None = None, bucket_region: str | None = None, **_: Any
    ) -> list[Any]:
        return sorted(original(self, prefix, bucket_region, None), key=lambda bucket: bucket.name)

    return list_buckets


def _buckets(original: Any) -> Callable[[Any], Any]:
    def all_buckets(self: Any) -> Any:
        asked, token = self._get_param("max-buckets"), self._get_param("continuation-token")
        if asked is not None and not (str(asked).isdecimal() and 1 <= int(asked) <= _MOST_BUCKETS):
            text = f"Argument max-buckets must be an integer between 1 and {_MOST_BUCKETS}"
            raise S3ClientError("InvalidArgument", text)
        text = "The continuation token provided is incorrect"
        last = _named(token, S3ClientError("InvalidArgument", text))
        whole = self.serialized

        def serialized(result: Any) -> Any:
            buckets = result.result["Buckets"]
            names = [bucket["Name"] for bucket in buckets]
            page, end = _after(names, last, int(asked or _MOST_BUCKETS))
            more = {} if end is None else {"ContinuationToken": _token(end)}
            return whole(ActionResult({**result.result, "Buckets": buckets[page], **more}))

        self.serialized = serialized
        return original(self)

    return all_buckets


def _tables(self: Any, limit: int, exclusive_start_table_name: str) -> tuple[list[str], str | None]:
    """In the order of their names, as dynalite has it, after a name that no table needs to have."""
    names = sorted(self.tables)
    page, end = _after(names, exclusive_start_table_name, limit or len(names) or 1)
    return names[page], end


def _streams(self: Any) -> ActionResult:
    streams = self.backend.list_streams(self._get_param("TableName"))
    streams.sort(key=lambda stream: str(stream["StreamArn"]))
    names = [stream["StreamArn"] for stream in streams]
    last = self._get_param("ExclusiveStartStreamArn") or ""
    page, end = _after(names, last, self._get_param("Limit") or _MOST_STREAMS)
    more = {} if end is None else {"LastEvaluatedStreamArn": end}
    return ActionResult({"Streams": streams[page], **more})
