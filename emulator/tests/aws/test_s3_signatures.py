"""What S3 takes without credentials: presigned URLs and forms, signed by botocore."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import pytest
from botocore.config import Config
from tests.rows import rows

from emulator import service_models
from emulator.aws.s3_expiry import DAY, expires_at
from emulator.aws.s3_signatures import S3Error, check_form, check_query

AT = datetime(2026, 11, 1, 12, 0, 0)
NOW = 1_793_534_400.0  # the same in epoch seconds
HOST = "127.0.0.1:8083"


session = cache(service_models.session)


@cache
def client(access_key: str = "local", secret: str = "local") -> Any:
    addressing: Any = {"addressing_style": "path"}
    return session().create_client(
        "s3",
        "eu-west-1",
        endpoint_url=f"http://{HOST}",
        config=Config(signature_version="s3v4", s3=addressing),
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        aws_session_token="token",
    )


def url(seconds: int = 300, method: str = "get_object", **who: str) -> str:
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: AT):
        signed = client(**who).generate_presigned_url(
            method, {"Bucket": "files", "Key": "a/b"}, seconds
        )
    return str(signed)


def code(signed: str, *, method: str = "GET", host: str = HOST, later: float = 0) -> str:
    """The code of the error, empty for none."""
    parts = urlsplit(signed)
    try:
        check_query(method, parts.path, parse_qsl(parts.query), {"host": host}, NOW + later)
    except S3Error as error:
        return error.code
    return ""


def test_the_time_of_these_tests_is_one() -> None:
    assert (AT - datetime(1970, 1, 1)).total_seconds() == NOW


@rows(
    ("signed", "how", "expected"),
    [
        (lambda: url(), {}, ""),
        (lambda: url(), {"later": 300}, ""),
        (lambda: url(), {"later": 301}, "AccessDenied"),
        (lambda: url(), {"later": -900}, ""),
        (lambda: url(), {"later": -901}, "AccessDenied"),
        (lambda: url(), {"method": "PUT"}, "SignatureDoesNotMatch"),
        (lambda: url(method="put_object"), {"method": "PUT"}, ""),
        (lambda: url(), {"host": "127.0.0.1:8080"}, "SignatureDoesNotMatch"),
        (lambda: url().replace("a/b", "a/c"), {}, "SignatureDoesNotMatch"),
        (lambda: url().replace("/files/", "/other/"), {}, "SignatureDoesNotMatch"),
        (lambda: url() + "&versionId=1", {}, "SignatureDoesNotMatch"),
        (lambda: url().replace("Expires=300", "Expires=900"), {}, "SignatureDoesNotMatch"),
        (lambda: url()[:-1] + ("1" if url()[-1] == "0" else "0"), {}, "SignatureDoesNotMatch"),
        (lambda: url().replace("eu-west-1", "us-east-1"), {}, "SignatureDoesNotMatch"),
        (lambda: url(secret="other"), {}, "SignatureDoesNotMatch"),
        (lambda: url(access_key="Api-446f2b"), {}, ""),  # of one invocation of a function
        (lambda: url(access_key="Api-446f2b", secret="other"), {}, "SignatureDoesNotMatch"),
        (lambda: url(seconds=604_801), {}, "AuthorizationQueryParametersError"),
        (lambda: url().replace("X-Amz-Date=", "Date="), {}, "AuthorizationQueryParametersError"),
        (lambda: url().replace("SignedHeaders=host", "SignedHeaders=x"), {}, _Q := "Authorization"),
        (lambda: url().replace("%2Fs3%2F", "%2Fsqs%2F"), {}, _Q),
    ],
)
def test_a_presigned_url_serves_what_was_signed_as_long_as_was_signed(
    signed: Callable[[], str], how: Any, expected: str
) -> None:
    found = code(signed(), **how)
    assert found.startswith(expected) if expected else not found


def form(*conditions: Any, **fields: str) -> dict[str, str]:
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: AT):
        made = client().generate_presigned_post("files", "a/b", dict(fields), [*conditions], 900)
    policy = json.loads(base64.b64decode(made["fields"]["policy"]))
    ends = datetime.fromisoformat(policy["expiration"].replace("Z", "+00:00"))
    assert ends.year > 2020  # by the machine's clock: botocore reads it once more
    return dict(made["fields"])


_SIGNATURE = "x-amz-signature"
EXACTLY_5 = ["content-length-range", 5, 5]


@rows(
    ("made", "changed", "size", "expected"),
    [
        (lambda: form(EXACTLY_5), {}, 5, ""),
        (lambda: form(EXACTLY_5), {}, 6, "EntityTooLarge"),
        (lambda: form(EXACTLY_5), {}, 4, "EntityTooSmall"),
        (lambda: form(), {}, 10**9, ""),
        (lambda: form(), {"key": "a/c"}, 5, "AccessDenied"),
        (lambda: form(), {"key": None}, 5, "InvalidArgument"),
        (lambda: form(), {"Content-Type": "text/html"}, 5, "AccessDenied"),
        (lambda: form(), {"x-ignore-this": "1"}, 5, ""),
        (lambda: form({"Content-Type": "x/y"}, **{"Content-Type": "x/y"}), {}, 5, ""),
        (
            lambda: form({"Content-Type": "x/y"}, **{"Content-Type": "x/y"}),
            {"Content-Type": "text/html"},
            5,
            "AccessDenied",
        ),
        (lambda: form(["starts-with", "$acl", "pub"]), {"acl": "public-read"}, 5, ""),
        (lambda: form(["starts-with", "$acl", "pub"]), {"acl": "private"}, 5, "AccessDenied"),
        (lambda: form(["starts-with", "$acl", ""]), {}, 5, "AccessDenied"),
        (lambda: form(["near", "$acl", ""]), {"acl": "x"}, 5, "InvalidPolicyDocument"),
        (lambda: form(EXACTLY_5), {"policy": lambda: form()["policy"]}, 9, "SignatureDoesNotMatch"),
        (lambda: form(), {"x-amz-signature": None}, 5, "AccessDenied"),
        (lambda: form(), {"x-amz-security-token": "other"}, 5, "AccessDenied"),
    ],
)
def test_a_form_is_taken_as_its_policy_says(
    made: Callable[[], dict[str, str]], changed: dict[str, Any], size: int, expected: str
) -> None:
    given = {name: each() if callable(each) else each for name, each in changed.items()}
    fields = {name: value for name, value in {**made(), **given}.items() if value is not None}
    try:
        check_form("files", fields, size, NOW)
        found = ""
    except S3Error as error:
        found = error.code
    assert found == expected


def test_a_form_is_for_its_bucket_and_until_its_end() -> None:
    made = form()
    policy = json.loads(base64.b64decode(made["policy"]))
    ends = datetime.fromisoformat(policy["expiration"].replace("Z", "+00:00")).timestamp()
    check_form("files", made, 1, ends)
    for bucket, at in (("other", NOW), ("files", ends + 1)):
        with pytest.raises(S3Error) as error:
            check_form(bucket, made, 1, at)
        assert (error.value.status, error.value.code) == (403, "AccessDenied")


def signed(policy: Any, **fields: str) -> dict[str, str]:
    """A form with a policy that botocore would not make."""
    given = {**form(), "policy": base64.b64encode(json.dumps(policy).encode()).decode(), **fields}
    key = b"AWS4local"
    for part in given["x-amz-credential"].split("/")[1:]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    digest = hmac.new(key, given["policy"].encode(), hashlib.sha256).hexdigest()
    return {**given, "x-amz-signature": digest}


END = "2099-01-01T00:00:00.000Z"
ANY = [["starts-with", f"${name}", ""] for name in form() if name not in ("policy", _SIGNATURE)]
TYPE = ["starts-with", "$Content-Type", "image/"]


@rows(
    ("policy", "fields", "expected"),
    [
        ({"expiration": END, "conditions": ANY}, {}, ""),
        ({"expiration": "2099-01-01T00:00:00Z", "conditions": ANY}, {}, ""),
        ({"expiration": "2099-01-01", "conditions": ANY}, {}, _POLICY := "InvalidPolicyDocument"),
        ({"expiration": "2099-01-01T00:00:00+01:00", "conditions": ANY}, {}, _POLICY),
        ({"expiration": "2099-13-01T00:00:00Z", "conditions": ANY}, {}, _POLICY),
        ({"expiration": 4_070_908_800, "conditions": ANY}, {}, _POLICY),
        ({"expiration": END, "conditions": None}, {}, _POLICY),
        ({"expiration": END, "conditions": {}}, {}, _POLICY),
        ({"expiration": END, "conditions": ["key"]}, {}, _POLICY),
        (
            {"expiration": END, "conditions": [*ANY, ["content-length-range", "a", None]]},
            {},
            _POLICY,
        ),
        ([END, ANY], {}, _POLICY),
        # each type of a list has to begin so
        ({"expiration": END, "conditions": [*ANY, TYPE]}, {"Content-Type": "image/a, image/b"}, ""),
        (
            {"expiration": END, "conditions": [*ANY, TYPE]},
            {"Content-Type": "image/a,text/html"},
            "AccessDenied",
        ),
        ({"expiration": END, "conditions": ANY}, {"key": ""}, "InvalidArgument"),
        ({"expiration": END, "conditions": ANY}, {"x-amz-algorithm": "none"}, "InvalidArgument"),
        ({"expiration": END, "conditions": ANY}, {"x-ignore-a": "b" * 20_480}, "MaxPostPreData"),
    ],
)
def test_a_policy_is_of_the_form_that_s3_documents(
    policy: Any, fields: dict[str, str], expected: str
) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html and
    ErrorResponses.html; the formats of the expiration as LocalStack has recorded them."""
    found = ""
    try:
        check_form("files", signed(policy, **fields), 1, NOW)
    except S3Error as error:
        found = error.code
    assert found.startswith(expected) if expected else not found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("range", ""),
        ("x-amz-content-sha256", "SignatureDoesNotMatch"),  # counts for the signature in any case
        ("x-amz-acl", "AccessDenied"),
        ("x-amz-meta-by", "AccessDenied"),
    ],
)
def test_headers_of_amazon_have_to_be_signed(name: str, expected: str) -> None:
    """ "Authenticating requests: using query parameters", S3 API reference: each x-amz- header of
    the request is among those that are signed."""
    parts = urlsplit(url())
    found = ""
    try:
        check_query("GET", parts.path, parse_qsl(parts.query), {"host": HOST, name: "x"}, NOW)
    except S3Error as error:
        found = error.code
    assert found == expected


@pytest.mark.parametrize(
    ("created", "days", "expires"), [(0, 1, DAY), (1, 1, 2 * DAY), (DAY - 1, 30, 31 * DAY)]
)
def test_an_object_expires_at_the_midnight_after_its_days(
    created: float, days: int, expires: float
) -> None:
    assert expires_at(created, days) == expires
