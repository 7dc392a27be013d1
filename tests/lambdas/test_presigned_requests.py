"""Presigned requests are botocore's, and their policies limit what S3 takes."""

import base64
import json
import string
from datetime import UTC, datetime
from functools import cache
from typing import Any
from unittest import mock

import botocore.auth
import botocore.session
import pytest
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.files import DOWNLOAD_SECONDS, UPLOAD_SECONDS, Files

REGION, BUCKET = "eu-west-1", "files-bucket"
ADDRESSES = {
    "virtual": f"https://{BUCKET}.s3.{REGION}.amazonaws.com",
    "path": f"http://127.0.0.1:8083/{BUCKET}",
}
TOKENS = st.none() | st.text(string.ascii_letters + "/+=", min_size=4, max_size=40)
KEYS = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=24)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1))


@cache
def session() -> Any:
    """Made once, for it reads the model of S3, which takes longer than all else here."""
    made: Any = botocore.session.Session()
    return made


def botocores(style: str, token: str | None) -> Any:
    host = "http://127.0.0.1:8083" if style == "path" else f"https://s3.{REGION}.amazonaws.com"
    addressing: Any = {"addressing_style": style}
    config = Config(signature_version="s3v4", s3=addressing)
    credentials = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
    return session().create_client(
        "s3", REGION, endpoint_url=host, config=config, aws_session_token=token, **credentials
    )


def ours(style: str, token: str | None, at: datetime) -> Files:
    now = at.replace(tzinfo=UTC).timestamp()
    return Files(
        ADDRESSES[style], BUCKET, REGION, lambda: ("AKIDEXAMPLE", "secret", token), lambda: now
    )


@pytest.mark.parametrize("style", ADDRESSES)
@given(key=KEYS, token=TOKENS, at=TIMES)
@settings(max_examples=5, deadline=None)
def test_a_url_is_botocores(style: str, key: str, token: str | None, at: datetime) -> None:
    at = at.replace(microsecond=0)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: at):
        expected = botocores(style, token).generate_presigned_url(
            "get_object", {"Bucket": BUCKET, "Key": f"files/{key}"}, DOWNLOAD_SECONDS
        )
    found = ours(style, token, at).download(f"files/{key}")
    assert sorted(found.split("?")[1].split("&")) == sorted(expected.split("?")[1].split("&"))
    assert found.split("?")[0] == expected.split("?")[0]


@pytest.mark.parametrize("style", ADDRESSES)
@given(key=KEYS, token=TOKENS, at=TIMES, size=st.integers(1, 2**40))
@settings(max_examples=5, deadline=None)
def test_a_form_is_signed_as_botocore_signs_its_policy(
    style: str, key: str, token: str | None, at: datetime, size: int
) -> None:
    at = at.replace(microsecond=0)
    form = ours(style, token, at).upload(f"files/{key}", size)
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: at):
        expected = botocores(style, token).generate_presigned_post(
            BUCKET,
            f"files/{key}",
            {"Content-Type": "application/octet-stream"},
            [{"Content-Type": "application/octet-stream"}, ["content-length-range", size, size]],
            UPLOAD_SECONDS,
        )
    assert form.url.rstrip("/") == expected["url"].rstrip("/")
    assert form.fields.keys() == expected["fields"].keys()
    theirs = json.loads(base64.b64decode(expected["fields"]["policy"]))
    if "127.0.0.1" not in form.url:  # botocore reads the clock once more for the expiration
        assert datetime.fromisoformat(policy["expiration"]).timestamp() == (
            at.replace(tzinfo=UTC).timestamp() + UPLOAD_SECONDS
        )
    assert _sorted(policy["conditions"]) == _sorted(theirs["conditions"])
    signed = {
        name: value
        for name, value in form.fields.items()
        if name not in ("policy", "x-amz-signature")
    }
    assert signed.items() <= expected["fields"].items()


def _sorted(conditions: list[Any]) -> list[str]:
    return sorted(map(json.dumps, conditions))


def test_every_field_of_a_form_but_the_file_and_the_signature_is_in_its_policy() -> None:
    """S3 refuses a form with a field that the policy does not name."""
    form = ours("path", "token", datetime(2026, 1, 1)).upload("files/x", 5)
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    named = {name for each in policy["conditions"] if isinstance(each, dict) for name in each}
    assert set(form.fields) - {"policy", "x-amz-signature"} == named - {"bucket"}
    assert ["content-length-range", 5, 5] in policy["conditions"]
