"""How bodies reach S3: their length and their chunks, uploads in parts, copies and ranges.

Sources: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html,
docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html.
"""

from __future__ import annotations

import asyncio
import base64
import zlib
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.gateway.scene import HandClock, moved_on
from tests.rows import rows

from emulator.aws import front
from emulator.aws.checks.s3 import check_put
from emulator.aws.checks.s3_chunks import check_length
from emulator.aws.s3_signatures import S3Error
from emulator.aws.saving import Saving
from emulator.aws.sqs import LongPolls
from emulator.listening import bound, number


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, b"<Code>RequestTimeout</Code>"),
        ({"X-Amz-Target": "DynamoDB_20120810.PutItem"}, b'"com.amazonaws.dynamodb.v20120810#Req'),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"<ErrorResponse><Error><Type>"),
    ],
)
def test_a_body_that_does_not_come_is_a_timeout(headers: dict[str, str], form: bytes) -> None:
    read = asyncio.run(asyncio.wait_for(_unfinished("PUT /b/k", headers), 20))
    assert read.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nConnection: close\r\n" in read
    assert b"RequestTimeout" in read
    assert form in read


def test_a_payload_of_invoke_that_does_not_come_is_408() -> None:
    call = "POST /2015-03-31/functions/send/invocations"
    read = asyncio.run(asyncio.wait_for(_unfinished(call, {}), 20))
    assert read.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nConnection: close\r\n" in read


async def _unfinished(request: str, headers: dict[str, str]) -> bytes:
    """What comes, until the connection is closed, for a request that has 3 of 9 bytes."""
    head = {"Host": "localhost", "Content-Length": "9", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())

    def wsgi(*_: Any) -> Any:
        raise AssertionError("it is not complete")

    clock, holder = HandClock(), bound(0, "a test")
    functions = "http://127.0.0.1:9"  # where nothing runs
    app = front.application(wsgi, LongPolls(), Saving(), functions, clock=clock)
    runner = await front.listen(app, holder)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", number(holder))
        writer.write(f"{request} HTTP/1.1\r\n{lines}\r\nabc".encode())
        return await moved_on(clock, reader.read())
    finally:
        writer.close()
        await runner.cleanup()


CHUNKED = {"transfer-encoding": "chunked"}


@rows(
    ("headers", "code"),
    [
        ({"content-length": "0"}, None),
        ({"x-amz-copy-source": "/b/k"}, None),
        ({**CHUNKED, "x-amz-decoded-content-length": "1"}, None),
        ({}, "MissingContentLength"),
        (CHUNKED, "NotImplemented"),
    ],
)
def test_a_body_has_a_length(headers: dict[str, str], code: str | None) -> None:
    try:
        check_length(headers)
    except S3Error as error:
        assert error.code == code
    else:
        assert code is None


CRC = base64.b64encode(zlib.crc32(b"abc").to_bytes(4, "big"))


@rows(
    ("body", "code"),
    [
        (b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:" + CRC + b"\r\n\r\n", None),
        (b"1;chunk-signature=x\r\na\r\n2\r\nbc\r\n0\r\nX-Amz-Checksum-CRC32: " + CRC, None),
        (b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"),
        (b"3\r\nabc\r\n0\r\n\r\n", "MalformedTrailerError"),
        (b"2\r\nab\r\n0\r\nx-amz-checksum-crc32:" + CRC, "IncompleteBody"),
        (b"3\r\nabc\r\n", "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:" + CRC + b"\r\njunk", "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:" + CRC + b"\r\n: x", "MalformedTrailerError"),
        (b"3\r\nabcd\r\n0\r\n\r\n", "IncompleteBody"),
        (b"zz\r\nabc", "IncompleteBody"),
        (b"abc", "IncompleteBody"),
    ],
)
def test_chunks_of_an_sdk_are_whole_and_have_their_checksum(body: bytes, code: str | None) -> None:
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "3",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    try:
        check_put("k", headers, body)
    except S3Error as error:
        assert error.code == code
    else:
        assert code is None


@rows(
    ("given", "code"),
    [
        ({"x-amz-checksum-crc32": CRC.decode()}, None),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"x-amz-checksum-sha256": "x"}, "InvalidRequest"),
    ],
)
def test_the_checksum_of_chunks_may_be_in_a_header(given: dict[str, str], code: str | None) -> None:
    streamed = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    try:
        check_put("k", {**streamed, **given}, b"3;chunk-signature=x\r\nabc\r\n0\r\n\r\n")
    except S3Error as error:
        assert error.code == code
    else:
        assert code is None


@pytest.fixture(scope="module")
def s3(aws: str) -> Any:
    config = Config(parameter_validation=False, retries={"max_attempts": 0})
    client = boto3.client("s3", endpoint_url=aws, config=config)
    client.create_bucket(Bucket="uploads")
    client.put_object(Bucket="uploads", Key="source", Body=b"0123456789")
    return client


@pytest.fixture(scope="module")
def upload(s3: Any) -> dict[str, Any]:
    """An upload of which two parts are there."""
    made = s3.create_multipart_upload(Bucket="uploads", Key="big")
    named = {"Bucket": "uploads", "Key": "big", "UploadId": made["UploadId"]}
    for part in (1, 2):
        s3.upload_part(**named, PartNumber=part, Body=b"x")
    return named


ETAG = '"9dd4e461268c8034f5c8564e155c67a6"'  # of b"x"


def parts(*numbers: int) -> dict[str, Any]:
    return {"Parts": [{"PartNumber": each, "ETag": ETAG} for each in numbers]}


@rows(
    ("operation", "given", "code"),
    [
        ("upload_part", {"PartNumber": 0}, "InvalidArgument"),
        ("upload_part", {"PartNumber": 10_001}, "InvalidArgument"),
        ("upload_part", {"PartNumber": "x"}, "InvalidArgument"),
        ("upload_part", {"PartNumber": 1, "Key": "other"}, "NoSuchUpload"),
        ("list_parts", {"Key": "other"}, "NoSuchUpload"),
        ("abort_multipart_upload", {"Key": "other"}, "NoSuchUpload"),
        ("complete_multipart_upload", {"MultipartUpload": parts(2, 1)}, "InvalidPartOrder"),
        ("complete_multipart_upload", {"MultipartUpload": parts(1, 1)}, "InvalidPartOrder"),
        ("complete_multipart_upload", {"MultipartUpload": parts(1, 3)}, "InvalidPart"),
        (
            "complete_multipart_upload",
            {"MultipartUpload": parts(1), "Key": "other"},
            "NoSuchUpload",
        ),
        ("upload_part_copy", {"PartNumber": 3, "CopySource": "uploads/none"}, "NoSuchKey"),
        ("upload_part_copy", {"PartNumber": 3, "CopySource": "no-bucket/k"}, "NoSuchBucket"),
    ],
)
def test_an_upload_in_parts_is_of_one_key_in_order(
    s3: Any, upload: dict[str, Any], operation: str, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as found:
        getattr(s3, operation)(**{**upload, **given})
    assert found.value.response["Error"]["Code"] == code


@rows(
    ("given", "code"),
    [
        ({"CopySource": "source"}, "InvalidArgument"),
        ({"CopySource": "/uploads/"}, "InvalidArgument"),
        ({"CopySource": "uploads/none"}, "NoSuchKey"),
        ({"CopySource": "uploads/source", "MetadataDirective": "KEEP"}, "InvalidArgument"),
    ],
)
def test_a_copy_has_a_source(s3: Any, given: dict[str, Any], code: str) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    with pytest.raises(ClientError) as found:
        s3.copy_object(Bucket="uploads", Key="copy", **given)
    assert found.value.response["Error"]["Code"] == code


def test_a_part_is_copied_of_the_version_that_is_asked_for(
    s3: Any, subtests: pytest.Subtests
) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html, x-amz-copy-source"""
    named = {"Bucket": "versions", "Key": "k"}
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    old, new = (s3.put_object(**named, Body=each)["VersionId"] for each in (b"0123456789", b"01"))
    upload = s3.create_multipart_upload(**named)["UploadId"]

    def outcome(version: str, asked: str) -> str | None:
        part = {**named, "UploadId": upload, "PartNumber": 1, "CopySourceRange": asked}
        try:
            s3.upload_part_copy(**part, CopySource=f"versions/k{version}")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return None

    of, long, short = "?versionId=", "bytes=5-9", "bytes=0-1"
    for version, asked, code in (
        (of + old, long, None),
        (of + new, long, "InvalidArgument"),
        ("", long, "InvalidArgument"),
        ("", short, None),
        (of + "none", short, "NoSuchVersion"),
    ):
        with subtests.test(version):
            assert outcome(version, asked) == code
    marker = s3.delete_object(**named)["VersionId"]
    for version, code in (
        ("", "NoSuchKey"),
        (of + marker, "InvalidRequest"),
        (of + old, None),
    ):
        with subtests.test(f"deleted {version}"):
            assert outcome(version, short) == code


@rows("asked", ["bytes=5-10", "bytes=6-5", "5-6", "bytes=-3", "bytes=3-"])
def test_a_part_that_is_copied_is_within_its_source(
    s3: Any, upload: dict[str, Any], asked: str
) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html, x-amz-copy-source-range"""
    source = {"CopySource": "uploads/source", "CopySourceRange": asked}
    with pytest.raises(ClientError) as found:
        s3.upload_part_copy(**upload, PartNumber=3, **source)
    assert found.value.response["Error"]["Code"] == "InvalidArgument"


@rows(
    ("asked", "is_read"),
    [
        ("bytes=2-3", b"23"),
        ("Bytes=2-3", b"23"),
        ("junk", b"0123456789"),
        ("items=0-2", b"0123456789"),
    ],
)
def test_a_range_of_another_unit_is_ignored(s3: Any, asked: str, is_read: bytes) -> None:
    """RFC 9110, sections 14.1 (a unit's name in either case) and 14.2"""
    assert s3.get_object(Bucket="uploads", Key="source", Range=asked)["Body"].read() == is_read


def test_a_list_is_encoded_in_one_way_only(s3: Any) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, encoding-type"""
    with pytest.raises(ClientError, match="Invalid Encoding Method"):
        s3.list_objects_v2(Bucket="uploads", EncodingType="base64")
