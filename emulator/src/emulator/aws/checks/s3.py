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
import re
import zlib
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from emulator.aws.checks import s3_chunks
from emulator.aws.s3_signatures import S3Error

KEY_BYTES = 1024
METADATA_BYTES = 2 * 1024
MOST_KEYS = 1000  # of a page, and of one DeleteObjects
MALFORMED_XML = S3Error(
    400,
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
)
_ENCRYPTIONS = frozenset({"AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"})
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
    if headers.get("if-none-match", "*") != "*":  # conditional writes, S3 user guide
        raise s3_chunks.NOT_IMPLEMENTED
    _check_encryption_and_tags(headers)
    sent = headers.get("x-amz-content-sha256", "")
    if sent.startswith("STREAMING-"):
        body, trailers = s3_chunks.decoded(headers, body)
        headers = {**headers, **trailers}
    elif given := headers.get("content-md5"):  # of which bytes it is in chunks is not documented
        _check_md5(given, body)
    if len(sent) == 64 and sent != hashlib.sha256(body).hexdigest():
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise S3Error(400, "XAmzContentSHA256Mismatch", message)
    for name, hashed in _HASHES.items():
        given = headers.get(_CHECKSUM + name)
        if given is not None and _decoded(given, len(hashed(b""))) != hashed(body):
            _reject_checksum(name, given, len(hashed(b"")))


def _check_encryption_and_tags(headers: Mapping[str, str]) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, x-amz-server-side-encryption and
    x-amz-tagging."""
    if headers.get("x-amz-server-side-encryption", "AES256") not in _ENCRYPTIONS:
        raise S3Error(
            400,
            "InvalidEncryptionAlgorithmError",
            "The encryption request that you specified is not valid. The valid value is AES256.",
        )
    names = [name for name, _ in parse_qsl(headers.get("x-amz-tagging", ""), True)]
    if len(set(names)) < len(names):
        raise S3Error(
            400,
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
            "parameters without tag name duplicates.",
        )


def listed(query: str) -> str:
    """The query of a call that lists, with at most 1,000 as `max-keys`, as S3 takes what is over
    it: docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html. Raises S3Error."""
    parts = query.split("&")
    for at, part in enumerate(parts):
        name, _, value = part.partition("=")
        if name == "max-keys" and not re.fullmatch(r"[0-9]{1,10}", value):
            message = "Provided max-keys not an integer or within integer range"
            raise S3Error(400, "InvalidArgument", message)
        if name == "encoding-type" and value != "url":
            message = "Invalid Encoding Method specified in Request"
            raise S3Error(400, "InvalidArgument", message)
        if name == "max-keys":
            parts[at] = f"max-keys={min(int(value), MOST_KEYS)}"
    return "&".join(parts)


def check_deletions(body: bytes) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html: "up to 1,000 keys". Raises
    S3Error."""
    if body.count(b"<Object>") > MOST_KEYS:
        raise MALFORMED_XML


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
