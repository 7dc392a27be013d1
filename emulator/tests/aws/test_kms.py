"""Keys on the AWS server: docs.aws.amazon.com/kms/latest/developerguide/key-state.html, and the
errors of Sign, GetPublicKey and Decrypt, API reference."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

SIGNED = {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}


@pytest.fixture
def kms(aws: str) -> Any:
    return boto3.client("kms", endpoint_url=aws)


def code(call: Any, **given: Any) -> str:
    try:
        call(**given)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def made(kms: Any, **given: Any) -> str:
    return str(kms.create_key(**given)["KeyMetadata"]["KeyId"])


def test_a_key_signs_while_it_is_enabled(kms: Any) -> None:
    key = made(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    kms.create_alias(AliasName="alias/signs", TargetKeyId=key)
    for state, change, expected in (
        ("enabled", lambda: None, ""),
        ("disabled", lambda: kms.disable_key(KeyId=key), "DisabledException"),
        ("enabled again", lambda: kms.enable_key(KeyId=key), ""),
        (
            "pending deletion",
            lambda: kms.schedule_key_deletion(KeyId=key),
            "KMSInvalidStateException",
        ),
    ):
        change()
        assert code(kms.sign, KeyId=key, **SIGNED) == expected, state
        assert code(kms.get_public_key, KeyId="alias/signs") == expected, state


def test_a_key_that_is_not_enabled_is_used_for_nothing(kms: Any) -> None:
    """Also where the ciphertext names it, not the call."""
    key, other = made(kms), made(kms)
    mac = made(kms, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    hashed = {"KeyId": mac, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
    secret, others = (
        {"CiphertextBlob": kms.encrypt(KeyId=each, Plaintext=b"x")["CiphertextBlob"]}
        for each in (key, other)
    )
    verified = {**hashed, "Mac": kms.generate_mac(**hashed)["Mac"]}
    calls: list[tuple[Any, dict[str, Any]]] = [
        (kms.decrypt, secret),
        (kms.decrypt, {**secret, "KeyId": key}),
        (kms.re_encrypt, {**secret, "DestinationKeyId": other}),
        (kms.re_encrypt, {**others, "DestinationKeyId": key}),
        (kms.generate_data_key_without_plaintext, {"KeyId": key, "KeySpec": "AES_256"}),
        (kms.generate_mac, hashed),
        (kms.verify_mac, verified),
    ]
    for change, expected in (
        ("enable_key", ""),
        ("disable_key", "DisabledException"),
        ("enable_key", ""),
        ("schedule_key_deletion", "KMSInvalidStateException"),
    ):
        for each in (key, mac):
            getattr(kms, change)(KeyId=each)
        assert [code(call, **given) for call, given in calls] == [expected] * len(calls)


def test_a_key_has_the_usage_it_was_made_with(kms: Any) -> None:
    signs, encrypts = made(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY"), made(kms)
    assert code(kms.sign, KeyId=encrypts, **SIGNED) == "InvalidKeyUsageException"
    assert code(kms.encrypt, KeyId=signs, Plaintext=b"x") == "InvalidKeyUsageException"
    mac = {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
    assert code(kms.generate_mac, KeyId=encrypts, **mac) == "InvalidKeyUsageException"
    secret = kms.encrypt(KeyId=encrypts, Plaintext=b"x")["CiphertextBlob"]
    moved = code(kms.re_encrypt, CiphertextBlob=secret, DestinationKeyId=signs)
    assert moved == "InvalidKeyUsageException"
    assert code(kms.get_public_key, KeyId=encrypts) == "UnsupportedOperationException"


def test_junk_is_no_ciphertext(kms: Any) -> None:
    key = made(kms)
    secret = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for junk in (b"junk", b"junk" * 30, secret[:-1]):
        for given in ({}, {"KeyId": key}):
            found = code(kms.decrypt, CiphertextBlob=junk, **given)
            assert found == "InvalidCiphertextException", (junk, given)
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"x"


def test_a_digest_is_not_hashed_once_more_but_rejected_by_name(kms: Any) -> None:
    key = made(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    digest = {**SIGNED, "Message": b"x" * 32, "MessageType": "DIGEST"}
    assert code(kms.sign, KeyId=key, **digest) == "NotServedByTheEmulator"


def test_a_key_is_made_for_what_its_spec_can_do(kms: Any) -> None:
    """KeyUsage by KeySpec: CreateKey, API reference."""
    rows = [
        ("SYMMETRIC_DEFAULT", None, True),
        ("SYMMETRIC_DEFAULT", "SIGN_VERIFY", False),
        ("ECC_NIST_P256", None, False),
        ("ECC_NIST_P256", "SIGN_VERIFY", True),
        ("ECC_SECG_P256K1", "KEY_AGREEMENT", False),
        ("RSA_2048", "ENCRYPT_DECRYPT", True),
        ("RSA_2048", "GENERATE_VERIFY_MAC", False),
        ("HMAC_256", None, False),
        ("HMAC_256", "GENERATE_VERIFY_MAC", True),
    ]
    found = []
    for spec, usage, _ in rows:
        given = {"KeySpec": spec, **({"KeyUsage": usage} if usage else {})}
        try:
            kms.create_key(**given)
            found.append(True)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ValidationException"
            found.append(False)
    assert found == [made for *_, made in rows]


def test_a_key_waits_7_to_30_days_and_no_alias_is_among_those_of_aws(kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for days in (6, 31):
        with pytest.raises(ClientError, match=r"\(ValidationException\)"):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    with pytest.raises(ClientError, match=r"\(InvalidAliasNameException\)"):
        kms.create_alias(AliasName="alias/aws/chat", TargetKeyId=key)
    assert kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)["KeyId"]
