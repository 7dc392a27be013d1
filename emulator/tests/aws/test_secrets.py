"""What Secrets Manager rejects: API reference, CreateSecret, PutSecretValue, GetRandomPassword."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def secrets(aws: str) -> Any:
    return boto3.client("secretsmanager", endpoint_url=aws)


def error(call: Any, **given: Any) -> str:
    """Its code; empty where there is none."""
    try:
        call(**given)
    except ClientError as found:
        return str(found.response["Error"]["Code"])
    return ""


def test_a_name_has_letters_numbers_and_six_more_characters(secrets: Any) -> None:
    unique = uuid.uuid4().hex
    names = [f"{unique}/Ab9_+=.@-", f"{unique} a", f"{unique}*", f"{unique}\u00e9"]
    found = [error(secrets.create_secret, Name=name, SecretString="x") for name in names]
    assert found == ["", *["ValidationException"] * 3]


def test_a_value_is_a_text_or_bytes(secrets: Any) -> None:
    name, both = uuid.uuid4().hex, {"SecretString": "x", "SecretBinary": b"x"}
    assert error(secrets.create_secret, Name=name, **both) == "InvalidParameterException"
    secrets.create_secret(Name=name)
    assert error(secrets.put_secret_value, SecretId=name, **both) == "InvalidParameterException"


def test_a_secret_that_will_be_deleted_takes_no_value_and_keeps_its_name(secrets: Any) -> None:
    name = uuid.uuid4().hex
    secrets.create_secret(Name=name, SecretString="x")
    secrets.delete_secret(SecretId=name)
    put = error(secrets.put_secret_value, SecretId=name, SecretString="y")
    assert put == "InvalidRequestException"
    with pytest.raises(ClientError, match="this name is already scheduled for deletion") as made:
        secrets.create_secret(Name=name, SecretString="y")
    assert made.value.response["Error"]["Code"] == "InvalidRequestException"
    secrets.restore_secret(SecretId=name)
    assert error(secrets.put_secret_value, SecretId=name, SecretString="y") == ""


def test_a_password_is_made_of_something(secrets: Any) -> None:
    kinds = ("Lowercase", "Uppercase", "Numbers", "Punctuation")
    nothing = {f"Exclude{kind}": True for kind in kinds}
    assert error(secrets.get_random_password, **nothing) == "InvalidParameterException"
