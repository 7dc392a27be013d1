"""Multipart uploads and copies that S3 rejects, and moto takes or fails for.

Sources: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (InvalidPartOrder,
NoSuchUpload, NoSuchVersion, InvalidArgument); API reference, UploadPart ("Part numbers can be any
number from 1 to 10,000, inclusive"), UploadPartCopy (x-amz-copy-source-range) and CopyObject.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.s3.models import FakeDeleteMarker

from emulator.aws import data_objects
from emulator.aws.s3_signatures import S3Error

NO_UPLOAD = S3Error(
    404,
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
    "been aborted or completed.",
)
_PART = re.compile(rb"<PartNumber>\s*(\d{1,9})\s*</PartNumber>")
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})")
_MOST_PARTS = 10_000


def check(
    bucket: Any,
    key: str,
    method: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    """`bucket` is moto's; the names of `headers` are in lower case. Raises S3Error."""
    upload = bucket.multiparts.get(query.get("uploadId"))
    if upload is not None and upload.key_name != key:
        raise NO_UPLOAD
    number = query.get("partNumber", "1") if "uploadId" in query else "1"
    if not re.fullmatch(r"[0-9]{1,9}", number) or not 1 <= int(number) <= _MOST_PARTS:
        raise _invalid("Part number must be an integer between 1 and 10000, inclusive")
    if method == "POST" and upload is not None:
        numbers = [int(found) for found in _PART.findall(body)]
        if numbers != sorted(set(numbers)):
            message = (
                "The list of parts was not in ascending order. Parts must be ordered by part "
                "number."
            )
            raise S3Error(400, "InvalidPartOrder", message)
    if "x-amz-copy-source" in headers:
        _check_copy(headers, is_part="uploadId" in query)


def _check_copy(headers: Mapping[str, str], is_part: bool) -> None:
    source, _, query = headers["x-amz-copy-source"].partition("?")
    name, _, key = unquote(source).removeprefix("/").partition("/")
    if not name or not key:
        raise _invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    if headers.get("x-amz-metadata-directive", "COPY") not in ("COPY", "REPLACE"):
        raise _invalid("Unknown metadata directive.")
    if not is_part:
        return
    found = _source(name, key, parse_qs(query).get("versionId", [None])[0])
    if "x-amz-copy-source-range" not in headers:
        return
    asked = _RANGE.fullmatch(headers["x-amz-copy-source-range"])
    if asked is None:
        raise _invalid(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy"
        )
    if not int(asked[1]) <= int(asked[2]) < found.size:
        raise _invalid(f"Range specified is not valid for source object of size: {found.size}")


def _source(name: str, key: str, version: str | None) -> Any:
    """The object to copy. A delete marker that is the current version is no object, and may not be
    named: UploadPartCopy, API reference."""
    backend = data_objects.backend_of(name)
    if name not in backend.buckets:
        raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist.")
    found = backend.get_object(name, key, version_id=version, return_delete_marker=True)
    if isinstance(found, FakeDeleteMarker) and version:
        message = (
            "The source of a copy request may not specifically refer to a delete marker by version "
            "id."
        )
        raise S3Error(400, "InvalidRequest", message)
    if found is None and version:
        raise S3Error(404, "NoSuchVersion", "The specified version does not exist.")
    if found is None or isinstance(found, FakeDeleteMarker):
        raise S3Error(404, "NoSuchKey", "The specified key does not exist.")
    return found


def _invalid(message: str) -> S3Error:
    return S3Error(400, "InvalidArgument", message)
