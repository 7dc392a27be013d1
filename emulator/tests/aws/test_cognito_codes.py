"""Codes that Cognito mails, as its API reference describes them; moto alone takes any code."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator.aws import cognito_codes
from emulator.aws.cognito_codes import ATTEMPTS, CODES, RESET_SECONDS, VERIFY_SECONDS

OLD, NEW = "Passw0rd!", "Another-1!"


class Pool:
    """A user pool with one client, its user ravi, and the codes that were mailed."""

    def __init__(self, cognito: Any, **settings: Any) -> None:
        self.cognito = cognito
        recovery = {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]}
        settings = {
            "AutoVerifiedAttributes": ["email"],
            "AccountRecoverySetting": recovery,
            **settings,
        }
        made = cognito.create_user_pool(PoolName=str(uuid.uuid4()), **settings)
        self.id = made["UserPool"]["Id"]
        client = cognito.create_user_pool_client(
            UserPoolId=self.id,
            ClientName="c",
            PreventUserExistenceErrors="ENABLED",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        )
        self.client = client["UserPoolClient"]["ClientId"]
        cognito.sign_up(ClientId=self.client, Username="ravi", Password=OLD)
        cognito.admin_confirm_sign_up(UserPoolId=self.id, Username="ravi")

    def sign_in(self, password: str = OLD) -> str:
        response = self.cognito.initiate_auth(
            ClientId=self.client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ravi", "PASSWORD": password},
        )
        return str(response["AuthenticationResult"]["AccessToken"])

    def set_email(self, email: str = "ravi@x.org") -> dict[str, Any]:
        attributes = [{"Name": "email", "Value": email}]
        return dict(
            self.cognito.update_user_attributes(
                AccessToken=self.sign_in(), UserAttributes=attributes
            )
        )

    def verify(self, code: str) -> None:
        self.cognito.verify_user_attribute(
            AccessToken=self.sign_in(), AttributeName="email", Code=code
        )

    def confirmed(self, email: str = "ravi@x.org") -> Pool:
        self.set_email(email)
        self.verify(CODES.mails[-1]["code"])
        return self

    def forgot(self, user: str = "ravi") -> dict[str, Any]:
        return dict(self.cognito.forgot_password(ClientId=self.client, Username=user))

    def reset(self, code: str, password: str = NEW, user: str = "ravi") -> None:
        self.cognito.confirm_forgot_password(
            ClientId=self.client, Username=user, ConfirmationCode=code, Password=password
        )

    def email(self) -> tuple[str | None, str | None]:
        found = self.cognito.admin_get_user(UserPoolId=self.id, Username="ravi")
        by_name = {each["Name"]: each["Value"] for each in found["UserAttributes"]}
        return by_name.get("email"), by_name.get("email_verified")


@pytest.fixture
def cognito(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        from moto.cognitoidp.responses import CognitoIdpResponse

        for name in ("forgot_password", "confirm_forgot_password", "update_user_attributes"):
            monkeypatch.setattr(CognitoIdpResponse, name, getattr(CognitoIdpResponse, name))
        cognito_codes.install()
        CODES.mails.clear()
        CODES.waiting.clear()
        yield boto3.client("cognito-idp", region_name="us-east-1")


def fails_with(code: str, call: Any, *arguments: Any) -> None:
    with pytest.raises(ClientError) as error:
        call(*arguments)
    assert error.value.response["Error"]["Code"] == code


def test_a_password_is_reset_by_the_code_that_was_mailed_and_by_no_other(cognito: Any) -> None:
    pool = Pool(cognito).confirmed()
    details = pool.forgot()["CodeDeliveryDetails"]
    assert (details["Destination"], details["AttributeName"]) == ("r***@x***", "email")
    mail = CODES.mails[-1]
    assert (mail["to"], mail["purpose"]) == ("ravi@x.org", "reset")
    wrong = f"{(int(mail['code']) + 1) % 10**6:06d}"
    fails_with("CodeMismatchException", pool.reset, wrong)
    fails_with("InvalidPasswordException", pool.reset, mail["code"], "weak")
    assert pool.sign_in(OLD)
    pool.reset(mail["code"])
    assert pool.sign_in(NEW)
    fails_with("ExpiredCodeException", pool.reset, mail["code"])  # a code can be used once


def test_a_code_expires_and_a_newer_one_takes_its_place(
    cognito: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(cognito).confirmed()
    now = CODES.clock()
    pool.forgot()
    old = CODES.mails[-1]["code"]
    monkeypatch.setattr(CODES, "clock", lambda: now + RESET_SECONDS + 1)
    fails_with("ExpiredCodeException", pool.reset, old)
    pool.forgot()
    if CODES.mails[-1]["code"] != old:
        fails_with("CodeMismatchException", pool.reset, old)
    pool.reset(CODES.mails[-1]["code"])


def test_attempts_are_limited(cognito: Any) -> None:
    pool = Pool(cognito).confirmed()
    pool.forgot()
    code = CODES.mails[-1]["code"]
    for _ in range(ATTEMPTS):
        fails_with("CodeMismatchException", pool.reset, "x")
    fails_with("LimitExceededException", pool.reset, code)


def test_without_a_confirmed_address_no_code_is_mailed(cognito: Any) -> None:
    pool = Pool(cognito)
    fails_with("InvalidParameterException", pool.forgot)
    pool.set_email()
    fails_with("InvalidParameterException", pool.forgot)
    assert [mail["purpose"] for mail in CODES.mails] == ["verify"]


def test_where_only_an_administrator_resets_or_for_a_disabled_user_no_code_is_mailed(
    cognito: Any,
) -> None:
    recovery = {"RecoveryMechanisms": [{"Priority": 1, "Name": "admin_only"}]}
    fails_with("NotAuthorizedException", Pool(cognito, AccountRecoverySetting=recovery).forgot)
    pool = Pool(cognito).confirmed()
    cognito.admin_disable_user(UserPoolId=pool.id, Username="ravi")
    fails_with("NotAuthorizedException", pool.forgot)


def test_no_error_reveals_which_users_exist(cognito: Any) -> None:
    pool = Pool(cognito)
    assert pool.forgot("nobody")["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    assert CODES.mails == []
    fails_with("CodeMismatchException", lambda: pool.reset("123456", user="nobody"))


def test_an_address_counts_once_it_is_confirmed(
    cognito: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    pool = Pool(cognito, UserAttributeUpdateSettings=before).confirmed("old@x.org")
    pool.set_email("new@x.org")
    assert pool.email() == ("old@x.org", "true")
    fails_with("CodeMismatchException", pool.verify, "x")
    pool.verify(CODES.mails[-1]["code"])
    assert pool.email() == ("new@x.org", "true")
    pool = Pool(cognito)
    pool.set_email("new@x.org")
    assert pool.email() == ("new@x.org", "false")
    now = CODES.clock()
    monkeypatch.setattr(CODES, "clock", lambda: now + VERIFY_SECONDS + 1)
    fails_with("ExpiredCodeException", pool.verify, CODES.mails[-1]["code"])


def test_nobody_confirms_an_address_without_a_code(cognito: Any) -> None:
    pool = Pool(cognito)
    verified = [{"Name": "email_verified", "Value": "true"}]
    fails_with(
        "NotAuthorizedException",
        lambda: cognito.update_user_attributes(AccessToken=pool.sign_in(), UserAttributes=verified),
    )


def test_the_server_shows_what_it_mailed(aws: str) -> None:
    pool = Pool(boto3.client("cognito-idp", endpoint_url=aws))
    pool.set_email("shown@x.org")
    mails = httpx.get(f"{aws}/_local/mails").json()["mails"]
    assert [mail["to"] for mail in mails][-1] == "shown@x.org"
    pool.verify(mails[-1]["code"])
    assert pool.email() == ("shown@x.org", "true")
