"""The objects of a bucket: each body is a file of its own beside the saved data."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
from tests.aws.saved_data import Resources, opened, put, saved

from tests import aws_servers


def bucket(url: str) -> Any:
    s3: Any = boto3.client("s3", endpoint_url=url)
    s3.create_bucket(Bucket="files")
    return s3


def content_of(s3: Any, key: str) -> bytes:
    return bytes(s3.get_object(Bucket="files", Key=key)["Body"].read())


def test_a_body_is_written_once_and_goes_with_the_last_object_that_has_it(tmp_path: Path) -> None:
    """Also a large one, which moto has in a temporary file."""
    file, folder = tmp_path / "dev.json", tmp_path / "dev.objects"
    large, small = b"l" * 6 * 2**20, b"small"
    with aws_servers.running() as url:
        s3 = bucket(url)
        opened(url, file)
        for key, body in (("one", large), ("two", large), ("three", small)):
            s3.put_object(Bucket="files", Key=key, Body=body)
        saved(url)
        assert file.stat().st_size < 10_000
        files = {sha256(body).hexdigest(): body for body in (large, small)}
        assert {each.name: each.read_bytes() for each in folder.iterdir()} == files
        written = {each: each.stat() for each in folder.iterdir()}
        assert {each.st_mode & 0o777 for each in written.values()} == {0o600}
        s3.delete_object(Bucket="files", Key="one")
        saved(url)
        assert {each: each.stat() for each in folder.iterdir()} == written
        s3.put_object(Bucket="files", Key="two", Body=small)
        saved(url)
        assert [each.name for each in folder.iterdir()] == [sha256(small).hexdigest()]
        s3.put_object(Bucket="files", Key="late", Body=large)  # saved when the server ends
    with aws_servers.running() as url:
        s3 = bucket(url)
        assert opened(url, file)["put_back"] == 3
        assert [content_of(s3, key) for key in ("late", "two", "three")] == [large, small, small]
        before = {each: each.stat() for each in folder.iterdir()}
        saved(url, more=1)
        assert {each: each.stat() for each in folder.iterdir()} == before


def test_bodies_that_a_copy_refers_to_stay(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    with aws_servers.running() as url:
        s3 = bucket(url)
        opened(url, file)
        s3.put_object(Bucket="files", Key="a", Body=b"retained")
    for _ in range(2):  # the bucket has no place; then there is nothing of it any more
        with aws_servers.running() as url:
            resources = Resources(url)
            opened(url, file)
            put(resources, "new")
            saved(url)
    assert "retained" not in file.read_text()
    (copy,) = tmp_path.glob("dev.[0-9]*.json")
    copy.replace(file)
    with aws_servers.running() as url:
        s3 = bucket(url)
        assert opened(url, file) == {"put_back": 1, "beside": {}, "notes": []}
        assert content_of(s3, "a") == b"retained"


def test_bodies_in_the_file_of_an_earlier_version_are_read_and_a_missing_one_is_reported(
    tmp_path: Path,
) -> None:
    file = tmp_path / "dev.json"
    fields = {"type": "x/y", "modified": "2026-01-02T03:04:05"}
    objects = [{"key": "a", "body": b64encode(b"old").decode(), **fields}]
    file.write_text(json.dumps({"format": 2, "objects": {"files": objects}}))
    with aws_servers.running() as url:
        s3 = bucket(url)
        assert opened(url, file) == {"put_back": 1, "beside": {}, "notes": []}
        assert content_of(s3, "a") == b"old"
        saved(url)
    (tmp_path / "dev.objects" / sha256(b"old").hexdigest()).unlink()
    with aws_servers.running() as url:
        bucket(url)
        found = opened(url, file)
        assert found["put_back"] == 0
        assert found["notes"][0] == "the body of a in the bucket files is missing: it is left"


def test_objects_come_back_and_are_no_younger(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    with aws_servers.running() as url:
        s3 = bucket(url)
        opened(url, file)
        body = bytes(range(256))
        s3.put_object(Bucket="files", Key="a/b", Body=body, ContentType="x/y")
        before = s3.head_object(Bucket="files", Key="a/b")
        saved(url)
    with aws_servers.running() as url:
        s3 = bucket(url)
        assert opened(url, file)["put_back"] == 1
        after = s3.get_object(Bucket="files", Key="a/b")
        assert (after["Body"].read(), after["ContentType"]) == (body, "x/y")
        assert after["LastModified"] == before["LastModified"]
    with aws_servers.running() as url:
        note, _ = opened(url, file)["notes"]
        assert note == "the template has no bucket files any more: its objects are left"
