"""Calls to a client with a secret prove that they know it.

Sources: docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
#cognito-user-pools-computing-secret-hash; github.com/aws-amplify/amplify-js/issues/277 and
github.com/aws-amplify/amplify-android/issues/2504 for the messages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.rows import rows

PASSWORD = "Passw0rd!"
SIGN_IN = {"AuthFlow": "USER_PASSWORD_AUTH"}
CHALLENGE = {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "x" * 20}
REFRESH = {"AuthFlow": "REFRESH_TOKEN_AUTH"}


class Pool:
    """One whose client has a secret, and a confirmed user ravi."""

    def __init__(self, cognito: Any) -> None:
        self.cognito = cognito
        self.id = cognito.create_user_pool(PoolName=str(uuid.uuid4()))["UserPool"]["Id"]
        flows = ("ADMIN_USER_PASSWORD", "REFRESH_TOKEN", "USER_PASSWORD")
        made = cognito.create_user_pool_client(
            UserPoolId=self.id,
            ClientName="with a secret",
            GenerateSecret=True,
            ExplicitAuthFlows=[f"ALLOW_{flow}_AUTH" for flow in flows],
        )["UserPoolClient"]
        self.client, self.secret = made["ClientId"], made["ClientSecret"]
        self.refresh_token = self.signed_up("ravi")

    def signed_up(self, user: str) -> str:
        """The user's refresh token."""
        self.call("sign_up", Username=user, Password=PASSWORD, SecretHash=self.proof(user))
        self.cognito.admin_confirm_sign_up(UserPoolId=self.id, Username=user)
        proven = {"USERNAME": user, "PASSWORD": PASSWORD, "SECRET_HASH": self.proof(user)}
        tokens = self.call("initiate_auth", **SIGN_IN, AuthParameters=proven)
        return str(tokens["AuthenticationResult"]["RefreshToken"])

    def proof(self, user: str) -> str:
        text = f"{user}{self.client}".encode()
        digest = hmac.digest(self.secret.encode(), text, hashlib.sha256)
        return base64.b64encode(digest).decode()

    def call(self, operation: str, **given: Any) -> Any:
        return getattr(self.cognito, operation)(ClientId=self.client, **given)


@pytest.fixture(scope="module")
def pool(aws: str) -> Pool:
    return Pool(boto3.client("cognito-idp", endpoint_url=aws))


@rows("proof", [None, "eA=="])
@rows(
    ("operation", "given"),
    [
        ("sign_up", {"Username": "meena", "Password": PASSWORD}),
        ("confirm_sign_up", {"Username": "ravi", "ConfirmationCode": "000000"}),
        ("resend_confirmation_code", {"Username": "ravi"}),
        ("forgot_password", {"Username": "ravi"}),
        (
            "confirm_forgot_password",
            {"Username": "ravi", "ConfirmationCode": "000000", "Password": PASSWORD},
        ),
        ("initiate_auth", {**SIGN_IN, "USERNAME": "ravi", "PASSWORD": PASSWORD}),
        ("initiate_auth", {**REFRESH, "REFRESH_TOKEN": ""}),
        (
            "admin_initiate_auth",
            {"AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "USERNAME": "ravi", "PASSWORD": PASSWORD},
        ),
        ("respond_to_auth_challenge", {**CHALLENGE, "USERNAME": "ravi", "NEW_PASSWORD": PASSWORD}),
        (
            "admin_respond_to_auth_challenge",
            {**CHALLENGE, "USERNAME": "ravi", "NEW_PASSWORD": PASSWORD},
        ),
    ],
)
def test_a_call_without_the_proof_is_rejected(
    pool: Pool, operation: str, given: dict[str, Any], proof: str | None
) -> None:
    given = dict(given)
    if operation.startswith("admin_"):
        given["UserPoolId"] = pool.id
    if operation.endswith(("initiate_auth", "auth_challenge")):
        listed = {name: given.pop(name) for name in list(given) if name.isupper()}
        if "REFRESH_TOKEN" in listed:
            listed["REFRESH_TOKEN"] = pool.refresh_token
        where = "AuthParameters" if "AuthFlow" in given else "ChallengeResponses"
        given[where] = listed | ({"SECRET_HASH": proof} if proof else {})
    elif proof:
        given["SecretHash"] = proof
    missing = f"Client {pool.client} is configured with secret but SECRET_HASH was not received"
    why = f"Unable to verify secret hash for client {pool.client}" if proof else missing
    with pytest.raises(ClientError, match=why) as found:
        pool.call(operation, **given)
    assert found.value.response["Error"]["Code"] == "NotAuthorizedException"


@rows("user", ["josé", "रवि"])
def test_a_user_proves_it_for_a_name_in_any_script(pool: Pool, user: str) -> None:
    assert pool.signed_up(user)


@rows("secret", [{}, {"ClientSecret": "x" * 32}])
def test_a_token_is_revoked_with_the_secret_of_its_client(
    pool: Pool, secret: dict[str, str]
) -> None:
    """docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RevokeToken.html,
    ClientSecret"""
    with pytest.raises(ClientError) as found:
        pool.call("revoke_token", Token="none", **secret)
    assert found.value.response["Error"]["Code"] == "UnauthorizedException"
    pool.call("revoke_token", Token="none", ClientSecret=pool.secret)


def test_a_refresh_proves_it_for_the_user_of_its_token(pool: Pool) -> None:
    given = {"REFRESH_TOKEN": pool.refresh_token, "SECRET_HASH": pool.proof("ravi")}
    assert (
        "AccessToken"
        in pool.call("initiate_auth", **REFRESH, AuthParameters=given)["AuthenticationResult"]
    )
