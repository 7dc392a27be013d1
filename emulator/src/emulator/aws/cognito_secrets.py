"""The secret of a user pool's client: calls about its users prove that they know it.

moto asks for the proof in one flow and one challenge alone, computes it of names in latin-1 alone,
and makes secrets that RevokeToken does not take. Sources: Cognito developer guide, "Computing
secret hash values" (docs.aws.amazon.com/cognito/latest/developerguide/
signing-up-users-in-your-app.html#cognito-user-pools-computing-secret-hash); the messages are what
users have reported (github.com/aws-amplify/amplify-js/issues/277 and amplify-android/issues/2504).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import Any

import moto.cognitoidp.models
from moto.cognitoidp.exceptions import NotAuthorizedError
from moto.cognitoidp.models import CognitoIdpUserPoolClient
from moto.cognitoidp.responses import CognitoIdpResponse

from emulator.aws.hooks import replace

# Where each operation has the proof: in parameters of its own, or in a map.
_OPERATIONS = {
    "sign_up": "",
    "confirm_sign_up": "",
    "resend_confirmation_code": "",
    "forgot_password": "",
    "confirm_forgot_password": "",
    "initiate_auth": "AuthParameters",
    "admin_initiate_auth": "AuthParameters",
    "respond_to_auth_challenge": "ChallengeResponses",
    "admin_respond_to_auth_challenge": "ChallengeResponses",
}


def install() -> None:
    """Change moto's Cognito as this module's docstring describes."""
    replace(moto.cognitoidp.models, "check_secret_hash", is_proof)
    replace(CognitoIdpUserPoolClient, "__init__", _with_secret(CognitoIdpUserPoolClient.__init__))
    for name, where in _OPERATIONS.items():
        if hasattr(CognitoIdpResponse, name):
            replace(CognitoIdpResponse, name, _proven(getattr(CognitoIdpResponse, name), where))


def _with_secret(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *args: Any, **given: Any) -> None:
        original(self, *args, **given)
        self.secret = self.secret.replace("-", "")  # ClientSecretType, API model: [\w+]+

    return init


def is_proof(secret: str, client_id: str, user: str, given: str | None) -> bool:
    """Whether `given` is the secret hash of a user's name."""
    digest = hmac.digest(secret.encode(), f"{user}{client_id}".encode(), "sha256")
    return hmac.compare_digest(base64.b64encode(digest), (given or "").encode())


def _proven(original: Callable[[Any], Any], where: str) -> Callable[[Any], Any]:
    def operation(self: Any) -> Any:
        client_id, pools = self._get_param("ClientId"), self.backend.user_pools.values()
        pool = next((each for each in pools if client_id in each.clients), None)
        if pool is not None and pool.clients[client_id].generate_secret:
            given = self._get_param(where) or {} if where else {}
            user = given.get("USERNAME") if where else self._get_param("Username")
            # a refresh token stands for its user: (client, user, time)
            known = pool.refresh_tokens.get(given.get("REFRESH_TOKEN"))
            user = known[1] if known else user
            proof = given.get("SECRET_HASH") if where else self._get_param("SecretHash")
            if user and not proof:
                raise NotAuthorizedError(
                    f"Client {client_id} is configured with secret but SECRET_HASH was not received"
                )
            if user and not is_proof(pool.clients[client_id].secret, client_id, user, proof):
                raise NotAuthorizedError(f"Unable to verify secret hash for client {client_id}")
        return original(self)

    return operation
