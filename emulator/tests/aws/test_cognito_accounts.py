"""Accounts through their states, and the settings of a pool's client, in sign-in and refresh.

Source: Cognito developer guide; see emulator/aws/cognito_accounts.py.
"""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest

FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
PASSWORD = "Passw0rd!"


@pytest.fixture
def cognito(aws: str) -> Any:
    return boto3.client("cognito-idp", endpoint_url=aws)


class Pool:
    """One with a client and the confirmed user ravi."""

    def __init__(self, cognito: Any, pool: dict[str, Any] | None = None, **client: Any) -> None:
        self.cognito = cognito
        made = cognito.create_user_pool(PoolName=str(uuid.uuid4()), **(pool or {}))
        self.id = made["UserPool"]["Id"]
        self.client = self.another(**{"ExplicitAuthFlows": FLOWS, **client})
        cognito.sign_up(ClientId=self.client, Username="ravi", Password=PASSWORD)
        cognito.admin_confirm_sign_up(UserPoolId=self.id, Username="ravi")

    def another(self, **client: Any) -> str:
        made = self.cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName=str(uuid.uuid4()), **client
        )
        return str(made["UserPoolClient"]["ClientId"])

    def sign_in(self, name: str = "ravi", password: str = PASSWORD) -> Any:
        return self.cognito.initiate_auth(
            ClientId=self.client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )

    def refresh(self, token: str, client: str | None = None) -> Any:
        return self.cognito.initiate_auth(
            ClientId=client or self.client,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token},
        )

    def tokens(self) -> dict[str, str]:
        return dict(self.sign_in()["AuthenticationResult"])


def error(cognito: Any, name: str) -> Any:
    return pytest.raises(getattr(cognito.exceptions, name))


def test_a_disabled_account_gets_nothing_until_it_is_enabled(cognito: Any) -> None:
    pool = Pool(cognito)
    tokens = pool.tokens()
    cognito.admin_disable_user(UserPoolId=pool.id, Username="ravi")
    with error(cognito, "NotAuthorizedException"):
        pool.sign_in()
    with error(cognito, "NotAuthorizedException"):
        pool.refresh(tokens["RefreshToken"])
    with error(cognito, "NotAuthorizedException"):
        cognito.get_user(AccessToken=tokens["AccessToken"])
    cognito.admin_enable_user(UserPoolId=pool.id, Username="ravi")
    assert pool.tokens()


def test_a_deleted_account_has_no_tokens_any_more(cognito: Any) -> None:
    pool = Pool(cognito)
    tokens = pool.tokens()
    cognito.admin_delete_user(UserPoolId=pool.id, Username="ravi")
    with error(cognito, "NotAuthorizedException"):
        pool.refresh(tokens["RefreshToken"])
    with error(cognito, "UserNotFoundException"):
        cognito.get_user(AccessToken=tokens["AccessToken"])
    with error(cognito, "UserNotFoundException"):
        pool.sign_in()


def test_a_password_that_was_reset_signs_nobody_in(cognito: Any) -> None:
    pool = Pool(cognito)
    verified = [
        {"Name": "email", "Value": "ravi@example.com"},
        {"Name": "email_verified", "Value": "true"},
    ]
    cognito.admin_update_user_attributes(
        UserPoolId=pool.id, Username="ravi", UserAttributes=verified
    )
    cognito.admin_reset_user_password(UserPoolId=pool.id, Username="ravi")
    with error(cognito, "PasswordResetRequiredException"):
        pool.sign_in()


def test_a_temporary_password_is_a_challenge(cognito: Any) -> None:
    pool = Pool(cognito)
    cognito.admin_create_user(UserPoolId=pool.id, Username="raju", TemporaryPassword=PASSWORD)
    assert pool.sign_in("raju")["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({"PreventUserExistenceErrors": "ENABLED"}, "NotAuthorizedException"),
        ({"PreventUserExistenceErrors": "LEGACY"}, "UserNotFoundException"),
        ({}, "UserNotFoundException"),
    ],
)
def test_an_unknown_user_is_reported_as_the_client_is_set(
    cognito: Any, setting: dict[str, Any], name: str
) -> None:
    pool = Pool(cognito, **setting)
    with error(cognito, name):
        pool.sign_in("nobody")
    with error(cognito, "NotAuthorizedException"):
        pool.sign_in(password="Wr0ngpass!")


def test_a_flow_that_the_client_does_not_allow_is_rejected(cognito: Any) -> None:
    pool = Pool(cognito, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
    tokens = pool.tokens()
    with error(cognito, "InvalidParameterException"):
        pool.refresh(tokens["RefreshToken"])
    pool.client = pool.another()  # without any: SRP, custom and refresh
    with error(cognito, "InvalidParameterException"):
        pool.sign_in()
    pool.client = pool.another(ExplicitAuthFlows=["USER_PASSWORD_AUTH"])
    assert pool.refresh(pool.tokens()["RefreshToken"])


def test_a_refresh_token_is_its_clients_and_ends(cognito: Any) -> None:
    pool = Pool(cognito, RefreshTokenValidity=60, TokenValidityUnits={"RefreshToken": "minutes"})
    token = pool.tokens()["RefreshToken"]
    assert pool.refresh(token)
    with error(cognito, "NotAuthorizedException"):
        pool.refresh(token, pool.another(ExplicitAuthFlows=FLOWS))
    with error(cognito, "NotAuthorizedException"):
        pool.refresh("x")


@pytest.mark.parametrize("sensitive", [True, False])
def test_names_are_compared_as_the_pool_is_set(cognito: Any, sensitive: bool) -> None:
    pool = Pool(cognito, {"UsernameConfiguration": {"CaseSensitive": sensitive}})
    if sensitive:
        with error(cognito, "UserNotFoundException"):
            pool.sign_in("RAVI")
        cognito.sign_up(ClientId=pool.client, Username="Ravi", Password=PASSWORD)
    else:
        assert pool.sign_in("RAVI")["AuthenticationResult"]
        with error(cognito, "UsernameExistsException"):
            cognito.sign_up(ClientId=pool.client, Username="Ravi", Password=PASSWORD)


def test_a_challenge_is_met_once_by_the_user_it_was_for(cognito: Any) -> None:
    """Source: RespondToAuthChallenge, API reference."""
    pool = Pool(cognito)
    cognito.admin_create_user(
        UserPoolId=pool.id, Username="raju", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )
    session = pool.sign_in("raju")["Session"]

    def respond(session: str, **responses: str) -> Any:
        return cognito.respond_to_auth_challenge(
            ClientId=pool.client,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=session,
            ChallengeResponses=responses,
        )

    errors = cognito.exceptions
    new = "N3w-passw0rd!"
    with pytest.raises(errors.NotAuthorizedException, match="Invalid session for the user"):
        respond("x" * 40, USERNAME="raju", NEW_PASSWORD=new)
    with pytest.raises(errors.NotAuthorizedException, match="Invalid session for the user"):
        respond(session, USERNAME="ravi", NEW_PASSWORD=new)
    with pytest.raises(errors.InvalidParameterException, match="NEW_PASSWORD"):
        respond(session, USERNAME="raju")
    assert (
        "AccessToken" in respond(session, USERNAME="raju", NEW_PASSWORD=new)["AuthenticationResult"]
    )
    with pytest.raises(errors.NotAuthorizedException, match="Invalid session for the user"):
        respond(session, USERNAME="raju", NEW_PASSWORD=new)
    assert "AccessToken" in pool.sign_in("ravi")["AuthenticationResult"]


def test_a_sign_in_without_parameters_lacks_a_name(cognito: Any) -> None:
    pool = Pool(cognito)
    with pytest.raises(cognito.exceptions.InvalidParameterException, match="USERNAME"):
        cognito.initiate_auth(ClientId=pool.client, AuthFlow="USER_PASSWORD_AUTH")


SMS = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms"}}
NEW = {"NEW_PASSWORD": "N3w-passw0rd!"}
CODES = {"SMS_MFA_CODE": "123456", "SOFTWARE_TOKEN_MFA_CODE": "123456"}


def _two_with_challenges(cognito: Any) -> tuple[Pool, dict[str, str]]:
    """raju has a temporary password, ravi a second factor; the session of each one's challenge."""
    pool = Pool(cognito)
    cognito.admin_create_user(
        UserPoolId=pool.id, Username="raju", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )
    cognito.set_user_pool_mfa_config(
        UserPoolId=pool.id, SmsMfaConfiguration=SMS, MfaConfiguration="OPTIONAL"
    )
    cognito.admin_set_user_mfa_preference(
        UserPoolId=pool.id,
        Username="ravi",
        SMSMfaSettings={"Enabled": True, "PreferredMfa": True},
    )
    found = {name: pool.sign_in(name) for name in ("ravi", "raju")}
    assert found["ravi"]["ChallengeName"] == "SMS_MFA"
    assert found["raju"]["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    return pool, {name: each["Session"] for name, each in found.items()}


def test_a_session_is_for_one_user_and_one_challenge(cognito: Any) -> None:
    """Source: RespondToAuthChallenge, API reference."""
    pool, sessions = _two_with_challenges(cognito)

    def respond(whose: str, name: str, challenge: str) -> Any:
        return cognito.respond_to_auth_challenge(
            ClientId=pool.client,
            ChallengeName=challenge,
            Session=sessions[whose],
            ChallengeResponses={"USERNAME": name, **NEW, **CODES},
        )

    right = {("ravi", "ravi", "SMS_MFA"), ("raju", "raju", "NEW_PASSWORD_REQUIRED")}
    challenges = ("SMS_MFA", "NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA", "MFA_SETUP")
    tried = {(a, b, each) for a in sessions for b in sessions for each in challenges}
    for each in sorted(tried - right):
        with pytest.raises(cognito.exceptions.NotAuthorizedException, match="Invalid session"):
            respond(*each)
    for each in sorted(right):
        assert "AccessToken" in respond(*each)["AuthenticationResult"]
        with pytest.raises(cognito.exceptions.NotAuthorizedException, match="Invalid session"):
            respond(*each)


@pytest.mark.parametrize(
    ("name", "challenge"), [("ravi", "SMS_MFA"), ("raju", "NEW_PASSWORD_REQUIRED")]
)
def test_an_account_disabled_after_the_challenge_gets_nothing(
    cognito: Any, name: str, challenge: str
) -> None:
    pool, sessions = _two_with_challenges(cognito)
    given = {
        "ClientId": pool.client,
        "ChallengeName": challenge,
        "Session": sessions[name],
        "ChallengeResponses": {"USERNAME": name, **NEW, **CODES},
    }
    cognito.admin_disable_user(UserPoolId=pool.id, Username=name)
    with pytest.raises(cognito.exceptions.NotAuthorizedException, match="User is disabled"):
        cognito.respond_to_auth_challenge(**given)
    cognito.admin_enable_user(UserPoolId=pool.id, Username=name)
    assert "AccessToken" in cognito.respond_to_auth_challenge(**given)["AuthenticationResult"]


def test_a_second_factor_is_set_up_with_the_session_of_its_verification(cognito: Any) -> None:
    """Source: VerifySoftwareToken, API reference."""
    pool = Pool(cognito)
    cognito.admin_create_user(
        UserPoolId=pool.id, Username="raju", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )
    cognito.set_user_pool_mfa_config(
        UserPoolId=pool.id, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="ON"
    )

    def respond(session: str, challenge: str) -> Any:
        return cognito.respond_to_auth_challenge(
            ClientId=pool.client,
            ChallengeName=challenge,
            Session=session,
            ChallengeResponses={"USERNAME": "raju", **NEW},
        )

    setup = respond(pool.sign_in("raju")["Session"], "NEW_PASSWORD_REQUIRED")
    assert setup["ChallengeName"] == "MFA_SETUP"
    session = cognito.associate_software_token(Session=setup["Session"])["Session"]
    verified = cognito.verify_software_token(Session=session, UserCode="123456")["Session"]
    assert "AccessToken" in respond(verified, "MFA_SETUP")["AuthenticationResult"]
    for used in (session, verified):
        with error(cognito, "NotAuthorizedException"):
            respond(used, "MFA_SETUP")
