"""Signing up by a code, and deleting one's account, as the API reference of Cognito has them."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator.aws import cognito_codes, cognito_sign_up
from emulator.aws.cognito_codes import CODES

PASSWORD = "Passw0rd!"
EMAIL = [{"Name": "email", "Value": "ravi@x.org"}]


class Pool:
    """A user pool that mails codes, and its client."""

    def __init__(self, cognito: Any, **settings: Any) -> None:
        self.cognito = cognito
        self.id = cognito.create_user_pool(
            PoolName=str(uuid.uuid4()), **{"AutoVerifiedAttributes": ["email"], **settings}
        )["UserPool"]["Id"]
        self.client = self.make_client("LEGACY")

    def make_client(self, errors: str) -> str:
        made = self.cognito.create_user_pool_client(
            UserPoolId=self.id,
            ClientName="c",
            PreventUserExistenceErrors=errors,
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        )
        return str(made["UserPoolClient"]["ClientId"])

    def sign_up(self, attributes: Any = EMAIL) -> dict[str, Any]:
        return dict(
            self.cognito.sign_up(
                ClientId=self.client, Username="ravi", Password=PASSWORD, UserAttributes=attributes
            )
        )

    def confirm(self, code: str, client: str = "", user: str = "ravi") -> None:
        client = client or self.client
        self.cognito.confirm_sign_up(ClientId=client, Username=user, ConfirmationCode=code)

    def resend(self, client: str = "", user: str = "ravi") -> dict[str, Any]:
        client = client or self.client
        found = self.cognito.resend_confirmation_code(ClientId=client, Username=user)
        return dict(found["CodeDeliveryDetails"])

    def sign_in(self) -> str:
        found = self.cognito.initiate_auth(
            ClientId=self.client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ravi", "PASSWORD": PASSWORD},
        )
        return str(found["AuthenticationResult"]["AccessToken"])


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once: a second time each sign-up would mail two codes."""
    cognito_codes.install()
    cognito_sign_up.install()


@pytest.fixture
def cognito() -> Any:
    with mock_aws():
        CODES.mails.clear()
        CODES.waiting.clear()
        yield boto3.client("cognito-idp")


def code(call: Any, *args: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as found:
        call(*args, **given)
    return str(found.value.response["Error"]["Code"])


def test_an_account_is_confirmed_by_the_code_that_was_mailed_last(cognito: Any) -> None:
    pool = Pool(cognito)
    assert pool.sign_up()["CodeDeliveryDetails"] == {
        "Destination": "r***@x***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert code(pool.sign_in) == "UserNotConfirmedException"
    assert pool.resend()["Destination"] == "r***@x***"
    first, last = (each["code"] for each in CODES.mails)
    if first != last:
        assert code(pool.confirm, first) == "CodeMismatchException"
    pool.confirm(last)
    assert pool.sign_in()
    assert code(pool.confirm, last) == "NotAuthorizedException"
    assert code(pool.resend) == "InvalidParameterException"
    found = cognito.admin_get_user(UserPoolId=pool.id, Username="ravi")["UserAttributes"]
    assert {"Name": "email_verified", "Value": "true"} in found


def test_without_an_address_to_verify_no_code_is_mailed(cognito: Any) -> None:
    cases: list[tuple[dict[str, Any], Any]] = [({"AutoVerifiedAttributes": []}, EMAIL), ({}, [])]
    for settings, attributes in cases:
        pool = Pool(cognito, **settings)
        assert "CodeDeliveryDetails" not in pool.sign_up(attributes)
        assert code(pool.resend) == "InvalidParameterException"
        assert code(pool.confirm, "123456") == "ExpiredCodeException"
    assert CODES.mails == []


def test_no_call_reveals_which_users_exist_where_the_client_prevents_it(cognito: Any) -> None:
    pool = Pool(cognito)
    assert code(pool.resend, user="nobody") == "UserNotFoundException"
    assert code(pool.confirm, "1", user="nobody") == "UserNotFoundException"
    silent = pool.make_client("ENABLED")
    assert pool.resend(silent, "nobody")["Destination"] == "n***@e***"
    assert code(pool.confirm, "1", silent, "nobody") == "ExpiredCodeException"


def test_who_has_deleted_the_account_is_not_there_any_more(cognito: Any) -> None:
    pool = Pool(cognito)
    pool.sign_up()
    pool.confirm(CODES.mails[-1]["code"])
    token = pool.sign_in()
    assert code(cognito.delete_user, AccessToken="other") == "NotAuthorizedException"
    cognito.delete_user(AccessToken=token)
    assert code(cognito.get_user, AccessToken=token) == "UserNotFoundException"
    assert code(pool.sign_in) in ("UserNotFoundException", "NotAuthorizedException")
    pool.sign_up()
