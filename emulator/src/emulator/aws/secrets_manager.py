"""Calls of Secrets Manager that moto takes, or fails over.

Source: API reference, "Errors" of CreateSecret, PutSecretValue and GetRandomPassword
(InvalidRequestException: "The secret is scheduled for deletion").
"""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.exceptions import InvalidParameterException, InvalidRequestException
from moto.secretsmanager.responses import SecretsManagerResponse

from emulator.aws.hooks import replace

_CLASSES = ("ExcludeLowercase", "ExcludeUppercase", "ExcludeNumbers", "ExcludePunctuation")
# as in github.com/aws/copilot-cli/issues/655 and github.com/aws/copilot-cli/pull/4871
_DELETED = {
    "create_secret": "You can't create this secret because a secret with this name is already "
    "scheduled for deletion.",
    "put_secret_value": "You can't perform this operation on the secret because it was marked for "
    "deletion.",
}


def install() -> None:
    for operation in _DELETED:
        replace(SecretsManagerResponse, operation, _with_one_value(operation))
    original = SecretsManagerResponse.get_random_password

    def get_random_password(self: Any) -> Any:
        if all(self._get_param(name) for name in _CLASSES) and not self._get_param("IncludeSpace"):
            raise InvalidParameterException("The password has no characters to be made of.")
        return original(self)

    replace(SecretsManagerResponse, "get_random_password", get_random_password)


def _with_one_value(operation: str) -> Any:
    original = getattr(SecretsManagerResponse, operation)

    def checked(self: Any) -> Any:
        if self._get_param("SecretString") and self._get_param("SecretBinary"):
            text = "You can't specify both a binary secret value and a string secret value."
            raise InvalidParameterException(text)
        name = self._get_param("Name") or self._get_param("SecretId")
        known = self.backend.secrets.get(name)
        if known is not None and known.is_deleted():
            raise InvalidRequestException(_DELETED[operation])
        return original(self)

    return checked
