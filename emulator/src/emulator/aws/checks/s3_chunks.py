"""Bodies that are put into S3: their length, and the chunks in which SDKs send them.

Sources: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (IncompleteBody,
MalformedTrailerError, MissingContentLength, NotImplemented: "A header that you provided implies
functionality that is not implemented"); "Signature calculations for trailing headers with chunked
uploads" (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html). No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from emulator.aws.s3_signatures import S3Error

NOT_IMPLEMENTED = S3Error(
    501,
    "NotImplemented",
    "A header you provided implies functionality that is not implemented",
)
_NO_LENGTH = S3Error(
    411, "MissingContentLength", "You must provide the Content-Length HTTP header."
)
INCOMPLETE = S3Error(
    400,
    "IncompleteBody",
    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
)
_NO_TRAILER = S3Error(
    400,
    "MalformedTrailerError",
    "The request contained trailing data that was not well-formed or did not conform to our "
    "published schema.",
)
DECODED_LENGTH = "x-amz-decoded-content-length"
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


def check_length(headers: Mapping[str, str]) -> None:
    """Only a body in SDKs' own chunks may come in those of HTTP too: a browser's stream may not.
    Raises S3Error."""
    if "transfer-encoding" in headers and DECODED_LENGTH not in headers:
        raise NOT_IMPLEMENTED
    if not headers.keys() & {"content-length", "transfer-encoding", "x-amz-copy-source"}:
        raise _NO_LENGTH


def decoded(headers: Mapping[str, str], body: bytes) -> tuple[bytes, dict[str, str]]:
    """The body without its chunks, and the trailers by lower-case name. Raises S3Error."""
    found, at = bytearray(), 0
    while True:
        end = body.find(b"\r\n", at)
        size = body[at:end].partition(b";")[0]
        if end < 0 or not _SIZE.fullmatch(size):
            raise INCOMPLETE
        at, length = end + 2, int(size, 16)
        if not length:
            break
        if body[at + length : at + length + 2] != b"\r\n":
            raise INCOMPLETE
        found += body[at : at + length]
        at += length + 2
    if headers.get(DECODED_LENGTH, str(len(found))) != str(len(found)):
        raise INCOMPLETE
    lines = body[at:].decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines if line.strip()]
    if not all(name.strip() and colon for name, colon, _ in pairs):
        raise _NO_TRAILER
    trailers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    promised = headers.get("x-amz-trailer", "").lower().split(",")
    if not {name.strip() for name in promised if name} <= trailers.keys():
        raise _NO_TRAILER
    return bytes(found), trailers
