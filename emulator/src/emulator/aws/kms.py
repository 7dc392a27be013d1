"""KMS keys that may not be used: their state, and what they are for.

moto looks at neither, and hashes a message that is a digest already. Source: docs.aws.amazon.com/
kms/latest/developerguide/key-state.html; Sign, GetPublicKey, Decrypt and GenerateMac, API
reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kms import models, utils
from moto.kms.exceptions import AccessDeniedException, InvalidCiphertextException
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


def install() -> None:
    for operation, usage in _USAGE.items():
        original = getattr(KmsResponse, operation)
        replace(KmsResponse, operation, _of_usable_keys(original, operation, usage))
    replace(models, "decrypt", _decrypt(utils.decrypt))


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
    """What no key here has encrypted is no ciphertext, whatever moto reads as the key's id. A call
    need not name the key: the ciphertext does."""

    def decrypt(**given: Any) -> Any:
        try:
            plaintext, key_id = original(**given)
        except AccessDeniedException:
            raise InvalidCiphertextException from None
        _check(given["master_keys"][key_id], "decrypt", "ENCRYPT_DECRYPT")
        return plaintext, key_id

    return decrypt
