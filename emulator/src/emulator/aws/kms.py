"""KMS keys that may not be made or used: what they are for, and their state.

moto looks at neither, and hashes a message that is a digest already. Source: docs.aws.amazon.com/
kms/latest/developerguide/key-state.html; CreateKey (KeyUsage by KeySpec), CreateAlias ("can't begin
with alias/aws/"), ScheduleKeyDeletion (7 to 30 days), Sign, GetPublicKey, Decrypt and GenerateMac,
API reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kms import models, utils
from moto.kms.exceptions import (
    AccessDeniedException,
    InvalidCiphertextException,
    NotFoundException,
)
from moto.kms.responses import KmsResponse

from emulator.aws.hooks import replace

_USAGE = {
    "decrypt": "ENCRYPT_DECRYPT",
    "encrypt": "ENCRYPT_DECRYPT",
    "generate_data_key": "ENCRYPT_DECRYPT",
    "generate_mac": "GENERATE_VERIFY_MAC",
    "get_public_key": "",
    "re_encrypt": "ENCRYPT_DECRYPT",
    "sign": "SIGN_VERIFY",
    "verify": "SIGN_VERIFY",
    "verify_mac": "GENERATE_VERIFY_MAC",
}


# What keys with a KeySpec that begins so may be for.
_USAGES = {
    "SYMMETRIC_DEFAULT": ("ENCRYPT_DECRYPT",),
    "HMAC_": ("GENERATE_VERIFY_MAC",),
    "ML_DSA_": ("SIGN_VERIFY",),
    "RSA_": ("ENCRYPT_DECRYPT", "SIGN_VERIFY"),
    "ECC_SECG_": ("SIGN_VERIFY",),
    "ECC_NIST_EDWARDS": ("SIGN_VERIFY",),
    "ECC_NIST_": ("SIGN_VERIFY", "KEY_AGREEMENT"),
    "SM2": ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"),
}
# moto finds their keys by id alone, or at the end of an ARN of any region.
_BY_ID = (
    "cancel_key_deletion",
    "create_grant",
    "disable_key",
    "enable_key",
    "list_grants",
    "retire_grant",
    "revoke_grant",
    "rotate_key_on_demand",
    "schedule_key_deletion",
)
_WAITING_DAYS = (7, 30)
_ARN = re.compile(r"arn:[^:]*:kms:([^:]*):([^:]*):")


def install() -> None:
    for operation, check in (
        ("create_key", _check_new),
        ("create_alias", _check_alias),
        ("generate_random", _check_random),
        ("schedule_key_deletion", _check_deletion),
    ):
        replace(KmsResponse, operation, _checked(getattr(KmsResponse, operation), check))
    for operation, usage in _USAGE.items():
        original = getattr(KmsResponse, operation)
        replace(KmsResponse, operation, _of_usable_keys(original, operation, usage))
    for name in _BY_ID:
        replace(models.KmsBackend, name, _by_arn(getattr(models.KmsBackend, name)))
    replace(models, "decrypt", _decrypt(utils.decrypt))
    for name in ("_validate_cmk_id", "_validate_alias"):
        replace(KmsResponse, name, _of_here(getattr(KmsResponse, name)))


def _by_arn(original: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, key_id: str, *args: Any, **given: Any) -> Any:
        if key_id is not None and key_id.startswith("arn:"):
            _check_here(key_id, self.region_name, self.account_id)
            key_id = self.any_id_to_key_id(key_id)
        return original(self, key_id, *args, **given)

    return method


def _of_here(original: Any) -> Callable[[Any, str], None]:
    """moto looks only at the end of an ARN."""

    def validate(self: Any, key_id: str) -> None:
        _check_here(key_id, self.region, self.current_account)
        original(self, key_id)

    return validate


def _check_here(key_id: str, region: str, account: str) -> None:
    """Raises NotFoundException."""
    found = _ARN.match(key_id)
    if found and found.groups() != (region, account):
        raise NotFoundException(f"Invalid arn {key_id}")


def _checked(original: Callable[[Any], str], check: Callable[[Any], None]) -> Any:
    def operation(self: Any) -> str:
        check(self._get_param)
        return original(self)

    return operation


def _check_new(given: Callable[..., Any]) -> None:
    spec = given("KeySpec") or given("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    usage = given("KeyUsage") or "ENCRYPT_DECRYPT"
    usages = next((each for begin, each in _USAGES.items() if spec.startswith(begin)), (usage,))
    if usage not in usages:
        text = f"KeyUsage {usage} is not compatible with KeySpec {spec}"
        raise JsonRESTError("ValidationException", text)


def _check_alias(given: Callable[..., Any]) -> None:
    name = str(given("AliasName"))
    if name.startswith("alias/aws/"):
        raise JsonRESTError("InvalidAliasNameException", f"{name} is reserved for AWS")


def _check_deletion(given: Callable[..., Any]) -> None:
    days, (least, most) = given("PendingWindowInDays"), _WAITING_DAYS
    if days is not None and not least <= int(days) <= most:
        text = f"PendingWindowInDays {days} is not from {least} to {most}"
        raise JsonRESTError("ValidationException", text)


def _check_random(given: Callable[..., Any]) -> None:
    if given("NumberOfBytes") is None:
        raise JsonRESTError("ValidationException", "NumberOfBytes is required")


def _of_usable_keys(original: Callable[[Any], str], operation: str, usage: str) -> Any:
    def checked(self: Any) -> str:
        name = "DestinationKeyId" if operation == "re_encrypt" else "KeyId"
        if key_id := self._get_param(name):
            self._validate_key_id(key_id)
            backend = self.kms_backend
            _check(backend.keys[backend.any_id_to_key_id(key_id)], operation, usage)
        if usage == "SIGN_VERIFY" and self._get_param("MessageType") == "DIGEST":
            # moto's error for what it lacks: front._call makes it a rejection that names the call
            raise NotImplementedError(f"{operation} of a digest: give the message, MessageType RAW")
        return original(self)

    return checked


def _check(key: Any, operation: str, usage: str) -> None:
    """Raises JsonRESTError."""
    if key.key_state == "Disabled" or not (key.enabled or key.key_state == "PendingDeletion"):
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
    if key.key_state != "Enabled":
        state = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key.key_state).lower()
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is {state}.")
    its = key.key_usage or "ENCRYPT_DECRYPT"
    if usage and its != usage:
        name = "".join(word.title() for word in operation.split("_"))
        message = f"{key.arn} key usage is {its} which is not valid for {name}."
        raise JsonRESTError("InvalidKeyUsageException", message)
    if not usage and key.key_spec == "SYMMETRIC_DEFAULT":
        message = f"{key.arn} is a symmetric key, which has no public key."
        raise JsonRESTError("UnsupportedOperationException", message)


def _decrypt(original: Callable[..., Any]) -> Callable[..., Any]:
    """Rejects a ciphertext that no key here has made, whatever moto reads as the key's id. A call
    need not name the key, since the ciphertext does."""

    def decrypt(**given: Any) -> Any:
        try:
            plaintext, key_id = original(**given)
        except AccessDeniedException:
            raise InvalidCiphertextException from None
        _check(given["master_keys"][key_id], "decrypt", "ENCRYPT_DECRYPT")
        return plaintext, key_id

    return decrypt
