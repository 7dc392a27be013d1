"""Calls to a client with a secret prove that they know it.

Sources: docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
#cognito-user-pools-computing-secret-hash; github.com/aws-amplify/amplify-js/issues/277 for the
message.
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
REFRESH = {"AuthFlow": "REFRESH_TOKEN_AUTH"}


class Pool:
    """One whose client has a secret, and a confirmed user ravi."""

    def __init__(self, cognito: Any) -> None:
        self.cognito = cognito
        self.id = cognito.create_user_pool(PoolName=str(uuid.uuid4()))["UserPool"]["Id"]
        made = cognito.create_user_pool_client(
            UserPoolId=self.id,
            ClientName="with a secret",
            GenerateSecret=True,
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )["UserPoolClient"]
        self.client, self._secret = made["ClientId"], made["ClientSecret"]
        self.call("sign_up", Username="ravi", Password=PASSWORD, SecretHash=self.proof("ravi"))
        cognito.admin_confirm_sign_up(UserPoolId=self.id, Username="ravi")
        proven = {"USERNAME": "ravi", "PASSWORD": PASSWORD, "SECRET_HASH": self.proof("ravi")}
        tokens = self.call("initiate_auth", **SIGN_IN, AuthParameters=proven)
        self.refresh_token = tokens["AuthenticationResult"]["RefreshToken"]

    def proof(self, user: str) -> str:
        text = f"{user}{self.client}".encode()
        digest = hmac.digest(self._secret.encode(), text, hashlib.sha256)
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
    ],
)
def test_a_call_without_the_proof_is_rejected(
    pool: Pool, operation: str, given: dict[str, Any], proof: str | None
) -> None:
    given = dict(given)
    if operation == "initiate_auth":
        listed = {name: given.pop(name) for name in list(given) if name.isupper()}
        if "REFRESH_TOKEN" in listed:
            listed["REFRESH_TOKEN"] = pool.refresh_token
        given["AuthParameters"] = listed | ({"SECRET_HASH": proof} if proof else {})
    elif proof:
        given["SecretHash"] = proof
    with pytest.raises(ClientError, match="Unable to verify secret hash for client") as found:
        pool.call(operation, **given)
    assert found.value.response["Error"]["Code"] == "NotAuthorizedException"


def test_a_refresh_proves_it_for_the_user_of_its_token(pool: Pool) -> None:
    given = {"REFRESH_TOKEN": pool.refresh_token, "SECRET_HASH": pool.proof("ravi")}
    assert (
        "AccessToken"
        in pool.call("initiate_auth", **REFRESH, AuthParameters=given)["AuthenticationResult"]
    )
