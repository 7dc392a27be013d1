"""What S3 rejects of an object that is put: docs.aws.amazon.com/AmazonS3/latest/API/
ErrorResponses.html, and the S3 user guide, "Checking object integrity"."""

from __future__ import annotations

import base64
import gzip
import hashlib
import urllib.error
import urllib.request
import uuid
import zlib
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.rows import rows

from emulator.aws.checks.s3 import check_put
from emulator.aws.s3_signatures import S3Error


def text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


WRONG_SHA256 = text(hashlib.sha256(b"y").digest())
REJECTED: list[tuple[str, dict[str, str], str]] = [
    ("k", {"content-md5": text(hashlib.md5(b"y").digest())}, "BadDigest"),
    ("k", {"content-md5": "no"}, "InvalidDigest"),
    ("k", {"x-amz-checksum-sha256": WRONG_SHA256}, "BadDigest"),
    ("k", {"x-amz-checksum-sha1": text(hashlib.sha1(b"y").digest())}, "BadDigest"),
    ("k", {"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
    ("k", {"x-amz-checksum-crc32": "AAAA"}, "InvalidRequest"),
    ("k", {"x-amz-content-sha256": hashlib.sha256(b"y").hexdigest()}, "XAmzContentSHA256Mismatch"),
    ("k", {"x-amz-server-side-encryption": "AES"}, "InvalidEncryptionAlgorithmError"),
    ("k", {"x-amz-tagging": "a=1&a=2"}, "InvalidArgument"),
    ("é" * 513, {}, "KeyTooLongError"),
    ("k", {"x-amz-meta-a": "x" * 1000, "x-amz-meta-b": "x" * 1047}, "MetadataTooLarge"),
]


@rows(("key", "headers", "code"), REJECTED)
def test_an_object_that_s3_rejects(key: str, headers: dict[str, str], code: str) -> None:
    with pytest.raises(S3Error) as found:
        check_put(key, headers, b"x")
    assert (found.value.status, found.value.code) == (400, code)


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        ("é" * 512, {"x-amz-meta-a": "x" * 2047}),
        ("k", {"content-md5": text(hashlib.md5(b"x").digest())}),
        ("k", {"x-amz-checksum-crc32": text(zlib.crc32(b"x").to_bytes(4, "big"))}),
        ("k", {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}),
        ("k", {"x-amz-content-sha256": hashlib.sha256(b"x").hexdigest()}),
        ("k", {"x-amz-server-side-encryption": "aws:kms", "x-amz-tagging": "a=1&b=1"}),
        ("k", {"x-amz-checksum-crc32c": "not computed here"}),
    ],
)
def test_an_object_that_s3_takes(key: str, headers: dict[str, str]) -> None:
    check_put(key, headers, b"x")


@pytest.fixture
def s3(aws: str) -> Any:
    return boto3.client("s3", endpoint_url=aws, config=Config(signature_version="s3v4"))


def test_a_client_sees_the_error_and_nothing_is_stored(s3: Any) -> None:
    bucket = str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket)
    with pytest.raises(ClientError) as found:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumSHA256=WRONG_SHA256)
    assert found.value.response["Error"]["Code"] == "BadDigest"
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"}, 60)
    digest = {"Content-MD5": text(hashlib.md5(b"y").digest())}
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(url, b"x", digest, method="PUT"))
    assert b"BadDigest" in error.value.read()
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]


def test_a_compressed_object_is_stored_as_it_was_sent(s3: Any) -> None:
    bucket, sent = str(uuid.uuid4()), gzip.compress(b"x" * 1000)
    s3.create_bucket(Bucket=bucket)
    digests = {"ContentMD5": text(hashlib.md5(sent).digest())}
    s3.put_object(Bucket=bucket, Key="call", Body=sent, ContentEncoding="gzip", **digests)
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "url"}, 60)
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(url, sent, headers, method="PUT")).close()
    for key in ("call", "url"):
        found = s3.get_object(Bucket=bucket, Key=key)
        assert (found["ContentEncoding"], found["Body"].read()) == ("gzip", sent)


def posted(s3: Any, bucket: str, key: str, **wanted: str) -> tuple[int, str]:
    """The response to a form with these fields and the file "x"."""
    conditions = [{name: value} for name, value in wanted.items()]
    form = s3.generate_presigned_post(bucket, key, wanted, conditions, 60)
    fields = {**form["fields"], "file": "x"}
    lines = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    content = {"Content-Type": "multipart/form-data; boundary=x"}
    body = f"{lines}--x--\r\n".encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(form["url"], body, content)) as opened:
            return opened.status, opened.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_form_that_asks_for_201_gets_a_document(s3: Any) -> None:
    bucket = str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket)
    status, document = posted(s3, bucket, "a b", success_action_status="201")
    assert status == 201
    assert f"<Bucket>{bucket}</Bucket><Key>a b</Key>" in document
    assert f"<Location>https://{bucket}.s3.amazonaws.com/a%20b</Location>" in document


def test_a_form_for_a_bucket_in_china_gets_its_address_there(aws: str) -> None:
    s3 = boto3.client("s3", region_name="cn-north-1", endpoint_url=aws)
    bucket = str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "cn-north-1"})
    status, document = posted(s3, bucket, "a", success_action_status="201")
    assert status == 201
    assert f"<Location>https://{bucket}.s3.amazonaws.com.cn/a</Location>" in document
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a"}, 60)
    with urllib.request.urlopen(url) as opened:
        assert opened.read() == b"x"


@pytest.mark.parametrize(
    ("key", "fields", "code"),
    [
        ("k" * 1025, {}, "KeyTooLongError"),
        ("k", {"x-amz-meta-a": "x" * 2048}, "MetadataTooLarge"),
        ("k", {"x-amz-checksum-sha256": WRONG_SHA256}, "BadDigest"),
    ],
    ids=["key", "metadata", "digest"],
)
def test_a_form_is_rejected_for_what_a_put_is(
    s3: Any, key: str, fields: dict[str, str], code: str
) -> None:
    bucket = str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket)
    status, document = posted(s3, bucket, key, **fields)
    assert (status, f"<Code>{code}</Code>" in document) == (400, True)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_the_metadata_of_a_form_is_stored_with_the_object(s3: Any) -> None:
    bucket = str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket)
    given = {"x-amz-meta-a": "b", "Cache-Control": "no-store", "Content-Type": "text/plain"}
    assert posted(s3, bucket, "given", **given)[0] == 204
    assert posted(s3, bucket, "none")[0] == 204
    found = s3.head_object(Bucket=bucket, Key="given")
    assert (found["Metadata"], found["CacheControl"]) == ({"a": "b"}, "no-store")
    assert found["ContentType"] == "text/plain"
    assert s3.head_object(Bucket=bucket, Key="none")["ContentType"] == "binary/octet-stream"


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data"],
)
@pytest.mark.parametrize(
    "body", [bytes(range(256)), b"Action=SendMessage&key=%ff"], ids=["any bytes", "a form"]
)
def test_the_bytes_of_an_object_whose_type_is_a_form_s_are_stored_as_they_are(
    s3: Any, content_type: str, body: bytes
) -> None:
    """PutObject, API reference: Content-Type is "a standard MIME type describing the format of
    the contents"; curl and browsers send that of a form where nobody sets another one."""
    bucket = str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="signed", Body=body, ContentType=content_type)
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "presigned"}, 60)
    typed = {"Content-Type": content_type}
    with urllib.request.urlopen(urllib.request.Request(url, body, typed, method="PUT")):
        pass
    for key in ("signed", "presigned"):
        found = s3.get_object(Bucket=bucket, Key=key)
        assert (found["Body"].read(), found["ContentType"]) == (body, content_type)
