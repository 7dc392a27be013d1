from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

import boto3
import pytest


@pytest.fixture
def cognito(aws: str) -> Any:
    return boto3.client("cognito-idp", endpoint_url=aws)


@pytest.fixture
def client(cognito: Any) -> str:
    pool = cognito.create_user_pool(PoolName="users")["UserPool"]["Id"]
    made = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName=str(uuid.uuid4()),
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )
    client_id = str(made["UserPoolClient"]["ClientId"])
    cognito.sign_up(ClientId=client_id, Username="ravi", Password="Passw0rd!")
    cognito.admin_confirm_sign_up(UserPoolId=pool, Username="ravi")
    return client_id


def signed_in(cognito: Any, client: str, **parameters: str) -> dict[str, str]:
    flow = "REFRESH_TOKEN_AUTH" if "REFRESH_TOKEN" in parameters else "USER_PASSWORD_AUTH"
    response = cognito.initiate_auth(ClientId=client, AuthFlow=flow, AuthParameters=parameters)
    return dict(response["AuthenticationResult"])


def test_a_revoked_refresh_token_ends_with_all_that_was_made_from_it(
    cognito: Any, client: str
) -> None:
    one, other = (
        signed_in(cognito, client, USERNAME="ravi", PASSWORD="Passw0rd!") for _ in range(2)
    )
    second = signed_in(cognito, client, REFRESH_TOKEN=one["RefreshToken"])
    cognito.revoke_token(Token=one["RefreshToken"], ClientId=client)
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        signed_in(cognito, client, REFRESH_TOKEN=one["RefreshToken"])
    for token in (one["AccessToken"], second["AccessToken"]):
        with pytest.raises(cognito.exceptions.NotAuthorizedException):
            cognito.get_user(AccessToken=token)
    assert cognito.get_user(AccessToken=other["AccessToken"])["Username"] == "ravi"
    assert signed_in(cognito, client, REFRESH_TOKEN=other["RefreshToken"])


def test_only_a_clients_own_refresh_token_is_revoked(cognito: Any, client: str) -> None:
    one = signed_in(cognito, client, USERNAME="ravi", PASSWORD="Passw0rd!")
    cognito.revoke_token(Token="x", ClientId=client)
    with pytest.raises(cognito.exceptions.UnauthorizedException):
        cognito.revoke_token(Token=one["RefreshToken"], ClientId="another")
    for kind in ("AccessToken", "IdToken"):
        with pytest.raises(cognito.exceptions.UnsupportedTokenTypeException):
            cognito.revoke_token(Token=one[kind], ClientId=client)
    assert signed_in(cognito, client, REFRESH_TOKEN=one["RefreshToken"])


def test_a_refreshed_token_has_the_time_of_the_sign_in(cognito: Any, client: str) -> None:
    """ "Understanding the access token", Cognito developer guide: auth_time."""

    def claims(token: str) -> dict[str, Any]:
        part = token.split(".")[1]
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
        return found

    first = signed_in(cognito, client, USERNAME="ravi", PASSWORD="Passw0rd!")
    while time.time() < claims(first["AccessToken"])["iat"] + 1:
        time.sleep(0.05)
    second = signed_in(cognito, client, REFRESH_TOKEN=first["RefreshToken"])
    for kind in ("AccessToken", "IdToken"):
        old, new = claims(first[kind]), claims(second[kind])
        assert new["iat"] > old["iat"] >= old["auth_time"] == new["auth_time"]
