"""Buckets on the AWS server: what is served, to whom, and for how long."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import botocore.session
import pytest
from botocore.config import Config
from moto import mock_aws

from emulator.addresses import Addresses
from emulator.aws import s3_cors, s3_expiry
from emulator.providers import Resource
from emulator.resources.buckets import BucketProvider
from emulator.resources.clients import Clients

CORS = {
    "CorsRules": [
        {
            "AllowedMethods": ["GET", "POST"],
            "AllowedOrigins": ["*"],
            "AllowedHeaders": ["*"],
            "ExposedHeaders": ["Content-Range"],
            "MaxAge": 60,
        }
    ]
}
LIFECYCLE = {"Rules": [{"Status": "Enabled", "ExpirationInDays": 30}]}
PAGE = {"Origin": "http://127.0.0.1:8080"}


class Response(NamedTuple):
    status: int
    headers: Any
    body: bytes


class Bucket:
    """One on the server, and what somebody without credentials sends to it."""

    def __init__(self, aws: str) -> None:
        addresses = Addresses("eu-west-1", aws, "api", "ws://127.0.0.1:1", "http://127.0.0.1:2")
        provider = BucketProvider(Clients(addresses), "eu-west-1")
        resource = Resource(f"s{uuid.uuid4().hex[:6]}", "Files0A1B2C3D", "AWS::S3::Bucket")
        properties = {
            "CorsConfiguration": CORS,
            "LifecycleConfiguration": LIFECYCLE,
            "BucketEncryption": {},
        }
        self.made = asyncio.run(provider.create(resource, properties))
        variable = {"URL": f"https://{self.made.attributes['RegionalDomainName']}"}
        self.url = addresses.environment(variable)["URL"]
        session: Any = botocore.session.Session()
        session.set_credentials("local", "local")
        addressing: Any = {"addressing_style": "path"}
        config = Config(signature_version="s3v4", s3=addressing)
        self.client = session.create_client("s3", "eu-west-1", endpoint_url=aws, config=config)

    def get(self, key: str) -> str:
        parameters = {"Bucket": self.made.ref, "Key": key}
        return str(self.client.generate_presigned_url("get_object", parameters, 60))

    def post(self, key: str, body: bytes, size: int, **headers: str) -> Response:
        limit = ["content-length-range", size, size]
        form = self.client.generate_presigned_post(self.made.ref, key, {}, [limit], 60)
        lines = b"".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in form["fields"].items()
        )
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n'
        data = lines + head + b"Content-Type: x/y\r\n\r\n" + body + b"\r\n--x--\r\n"
        content = {"Content-Type": "multipart/form-data; boundary=x"}
        return send(self.url, "POST", {**content, **headers}, data)


def send(url: str, method: str = "GET", headers: Any = None, body: bytes | None = None) -> Response:
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request) as opened:
            return Response(opened.status, opened.headers, opened.read())
    except urllib.error.HTTPError as error:
        return Response(error.code, error.headers, error.read())


@pytest.fixture
def bucket(aws: str) -> Bucket:
    return Bucket(aws)


def test_a_bucket_has_a_name_that_s3_takes_and_its_address_leads_to_the_server(
    bucket: Bucket, aws: str
) -> None:
    assert bucket.url == f"{aws}/{bucket.made.ref}"
    assert bucket.made.ref == bucket.made.ref.lower()
    rules = bucket.client.get_bucket_lifecycle_configuration(Bucket=bucket.made.ref)["Rules"]
    assert rules[0]["Expiration"] == {"Days": 30}


def test_a_form_puts_a_file_and_a_url_gets_it_whole_or_in_part(bucket: Bucket) -> None:
    data = bytes(range(256)) * 400 + b"\r\n--y\r\n\r\n"
    assert bucket.post("files/a", data, len(data)).status == 204
    assert send(bucket.get("files/a")).body == data
    part = send(bucket.get("files/a"), headers={"Range": "bytes=100-"})
    assert (part.status, part.body) == (206, data[100:])


def test_a_file_of_another_size_is_not_taken(bucket: Bucket) -> None:
    found = bucket.post("files/a", b"12345", 4)
    assert (found.status, b"EntityTooLarge" in found.body) == (400, True)
    missing = send(bucket.get("files/a"))
    assert (missing.status, b"NoSuchKey" in missing.body) == (404, True)


def test_a_request_without_a_signature_gets_nothing(bucket: Bucket) -> None:
    bucket.post("files/a", b"12345", 5)
    for method, path in (("GET", "/files/a"), ("GET", ""), ("PUT", "/files/b"), ("DELETE", "/x")):
        found = send(bucket.url + path, method)
        assert (found.status, b"AccessDenied" in found.body) == (403, True)
    assert send(bucket.get("files/a") + "0").status == 403


def test_a_page_may_use_what_it_has_and_reads_errors_too(bucket: Bucket) -> None:
    asks = {**PAGE, "Access-Control-Request-Method": "GET"}
    wanted = send(
        bucket.get("files/a"), "OPTIONS", asks | {"Access-Control-Request-Headers": "range"}
    )
    assert wanted.status == 200
    assert wanted.headers["Access-Control-Allow-Origin"] == "*"
    assert wanted.headers["Access-Control-Allow-Headers"] == "range"
    assert (
        send(bucket.url, "OPTIONS", asks | {"Access-Control-Request-Method": "PUT"}).status == 403
    )
    for response in (
        bucket.post("files/a", b"1", 1, **PAGE),
        send(bucket.url + "/x", headers=PAGE),
    ):
        assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_foreign_page_gets_nothing_though_the_bucket_would_let_it(bucket: Bucket) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    assert send(bucket.get("files/a"), headers=foreign).status == 403
    assert "Access-Control-Allow-Origin" not in send(bucket.get("x"), headers=foreign).headers


@pytest.mark.parametrize(
    ("origins", "methods", "headers", "request_headers", "expected"),
    [
        (["*"], ["GET"], ["*"], {}, "*"),
        (["https://a.b"], ["GET"], [], {}, "https://a.b"),
        (["https://*.b"], ["GET"], [], {}, "https://a.b"),
        (["https://*.c"], ["GET"], [], {}, None),
        (["https://a.b"], ["POST"], [], {}, None),
        (["*"], ["GET"], ["x-*"], {"Access-Control-Request-Headers": "X-One, x-two"}, "*"),
        (["*"], ["GET"], ["x-*"], {"Access-Control-Request-Headers": "X-One, range"}, None),
    ],
)
def test_a_rule_allows_an_origin_a_method_and_headers(
    origins: list[str],
    methods: list[str],
    headers: list[str],
    request_headers: dict[str, str],
    expected: str | None,
) -> None:
    rule = SimpleNamespace(
        allowed_origins=origins,
        allowed_methods=methods,
        allowed_headers=headers,
        exposed_headers=None,
        max_age_seconds=None,
    )
    found = s3_cors.allowed([rule], {"Origin": "https://a.b", **request_headers}, "GET")
    assert (found or {}).get("Access-Control-Allow-Origin") == expected


@mock_aws
def test_what_is_older_than_its_rule_says_is_deleted() -> None:
    session: Any = botocore.session.Session()
    session.set_credentials("local", "local")
    client = session.create_client("s3", "us-east-1")
    client.create_bucket(Bucket="files")
    rules = [
        {"Status": "Enabled", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 1}},
        {"Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
    ]
    client.put_bucket_lifecycle_configuration(
        Bucket="files", LifecycleConfiguration={"Rules": rules}
    )
    for key in ("a/1", "b/1"):
        client.put_object(Bucket="files", Key=key, Body=b"x")
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    assert s3_expiry.sweep((midnight + timedelta(days=1)).timestamp()) == 0
    assert s3_expiry.sweep((midnight + timedelta(days=2)).timestamp()) == 1
    left = client.list_objects_v2(Bucket="files")["Contents"]
    assert [each["Key"] for each in left] == ["b/1"]
