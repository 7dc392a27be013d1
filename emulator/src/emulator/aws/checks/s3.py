"""Checks of an object that is put into S3: its key, its metadata and its checksums.

Source: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (BadDigest, InvalidDigest,
KeyTooLongError, MetadataTooLarge, XAmzContentSHA256Mismatch); S3 user guide, "Naming Amazon S3
objects" (1,024 bytes of UTF-8), "Working with object metadata" (2 KB of names and values),
"Checking object integrity". No I/O.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping

from emulator.aws.s3_signatures import S3Error

KEY_BYTES = 1024
METADATA_BYTES = 2 * 1024
_METADATA = "x-amz-meta-"
_CHECKSUM = "x-amz-checksum-"
# CRC32C and CRC64NVME are not in the standard library: they are taken as they come.
_HASHES: Mapping[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}


def check_put(key: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises S3Error. The names of `headers` are in lower case."""
    if len(key.encode(errors="surrogateescape")) > KEY_BYTES:
        raise S3Error(400, "KeyTooLongError", "Your key is too long")
    _check_metadata(headers)
    sent = headers.get("x-amz-content-sha256", "")
    if sent.startswith("STREAMING-"):
        return  # the body is in chunks, with the checksum after them
    if given := headers.get("content-md5"):
        _check_md5(given, body)
    if len(sent) == 64 and sent != hashlib.sha256(body).hexdigest():
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise S3Error(400, "XAmzContentSHA256Mismatch", message)
    for name, hashed in _HASHES.items():
        given = headers.get(_CHECKSUM + name)
        if given is not None and _decoded(given, len(hashed(b""))) != hashed(body):
            _reject_checksum(name, given, len(hashed(b"")))


def _check_metadata(headers: Mapping[str, str]) -> None:
    size = sum(
        len(name) - len(_METADATA) + len(value.encode(errors="surrogateescape"))
        for name, value in headers.items()
        if name.startswith(_METADATA)
    )
    if size > METADATA_BYTES:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise S3Error(400, "MetadataTooLarge", message)


def _check_md5(given: str, body: bytes) -> None:
    digest = _decoded(given, 16)
    if digest is None:
        raise S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    if digest != hashlib.md5(body, usedforsecurity=False).digest():
        message = "The Content-MD5 you specified did not match what we received."
        raise S3Error(400, "BadDigest", message)


def _reject_checksum(name: str, given: str, size: int) -> None:
    if _decoded(given, size) is None:
        message = f"Value for {_CHECKSUM}{name} header is invalid."
        raise S3Error(400, "InvalidRequest", message)
    message = f"The {name.upper()} you specified did not match the calculated checksum."
    raise S3Error(400, "BadDigest", message)


def _decoded(text: str, size: int) -> bytes | None:
    """The decoded base64; None where the result does not have `size` bytes."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == size else None
