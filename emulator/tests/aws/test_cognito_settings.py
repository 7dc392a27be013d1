"""Settings of pools and clients, and attributes at sign-up, that Cognito rejects.

Source: API reference, CreateUserPool, CreateUserPoolClient, AdminCreateUserConfigType and
SchemaAttributeType; Cognito developer guide, "Working with user attributes".
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

PASSWORD = "Passw0rd!"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH"]


@pytest.fixture(scope="module")
def cognito(aws: str) -> Any:
    return boto3.client("cognito-idp", endpoint_url=aws)


def pool(cognito: Any, **settings: Any) -> str:
    made = cognito.create_user_pool(PoolName=str(uuid.uuid4()), **settings)
    return str(made["UserPool"]["Id"])


def client(cognito: Any, of: str, **settings: Any) -> str:
    given = {"ExplicitAuthFlows": FLOWS, **settings}
    made = cognito.create_user_pool_client(UserPoolId=of, ClientName=str(uuid.uuid4()), **given)
    return str(made["UserPoolClient"]["ClientId"])


def error(call: Any, *args: Any, **given: Any) -> str:
    """Its code; empty where there is none."""
    try:
        call(*args, **given)
    except ClientError as found:
        return str(found.response["Error"]["Code"])
    return ""


def test_validities_and_flows_are_those_that_cognito_takes(cognito: Any) -> None:
    of = pool(cognito)
    minutes = {"TokenValidityUnits": dict.fromkeys(("AccessToken", "RefreshToken"), "minutes")}
    rows: list[tuple[dict[str, Any], bool]] = [
        ({"AccessTokenValidity": 24, "IdTokenValidity": 24}, True),
        ({"AccessTokenValidity": 25}, False),
        ({"IdTokenValidity": 25}, False),
        ({"AccessTokenValidity": 5, **minutes}, True),
        ({"AccessTokenValidity": 4, **minutes}, False),
        ({"RefreshTokenValidity": 60, **minutes}, True),
        ({"RefreshTokenValidity": 59, **minutes}, False),
        ({"RefreshTokenValidity": 3650}, True),
        ({"RefreshTokenValidity": 0}, True),
        ({"ExplicitAuthFlows": ["USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"]}, True),
        ({"ExplicitAuthFlows": ["USER_PASSWORD_AUTH", *FLOWS]}, False),
    ]
    found = [error(client, cognito, of, **settings) for settings, _ in rows]
    assert found == ["" if valid else "InvalidParameterException" for _, valid in rows]
    both = {name: ["email"] for name in ("AliasAttributes", "UsernameAttributes")}
    assert error(pool, cognito, **both) == "InvalidParameterException"


def test_who_signs_up_gives_what_the_pool_asks_for_and_writes_nothing_else(cognito: Any) -> None:
    wrong, unauthorized = "InvalidParameterException", "NotAuthorizedException"
    required = {"Schema": [{"Name": "email", "Required": True, "AttributeDataType": "String"}]}
    by_email = {"UsernameAttributes": ["email"]}
    closed = {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}
    rows: list[tuple[dict[str, Any], dict[str, str | None], str]] = [
        ({}, {}, ""),
        ({}, {"email": None}, ""),
        ({}, {"email": "ravi@example.com", "phone_number": "+15555550100"}, ""),
        ({}, {"email": "ravi"}, wrong),
        ({}, {"phone_number": "15555550100"}, wrong),
        ({}, {"sub": "1"}, unauthorized),
        ({}, {"email_verified": "true"}, unauthorized),
        ({}, {"phone_number_verified": "true"}, unauthorized),
        (required, {}, wrong),
        (required, {"email": "ravi@example.com"}, ""),
        (required, {"email": None}, wrong),
        ({**required, **by_email}, {}, ""),
        ({**required, "UsernameAttributes": ["phone_number"]}, {}, wrong),
        (by_email, {}, ""),
        (closed, {}, unauthorized),
    ]
    found = []
    for settings, attributes, _ in rows:
        given = [
            {"Name": name} if value is None else {"Name": name, "Value": value}
            for name, value in attributes.items()
        ]
        to = client(cognito, pool(cognito, **settings))
        names = {"email": "ravi@example.com", "phone_number": "+15555550100"}
        name = next((names[each] for each in settings.get("UsernameAttributes", ())), "ravi")
        asked = {"ClientId": to, "Username": name, "Password": PASSWORD, "UserAttributes": given}
        found.append(error(cognito.sign_up, **asked))
    assert found == [code for *_, code in rows]


def test_an_attribute_without_a_value_is_taken_by_each_operation(cognito: Any) -> None:
    of = pool(cognito)
    to, given = client(cognito, of), [{"Name": "nickname"}]
    user = {"UserPoolId": of, "Username": "ravi"}
    cognito.admin_create_user(**user, UserAttributes=given)
    cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
    cognito.admin_update_user_attributes(**user, UserAttributes=given)
    asked = {"USERNAME": "ravi", "PASSWORD": PASSWORD}
    tokens = cognito.initiate_auth(
        ClientId=to, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=asked
    )["AuthenticationResult"]
    cognito.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=given)


def test_each_token_has_an_event_id_and_sub_stays_as_it_is(cognito: Any) -> None:
    of = pool(cognito)
    to = client(cognito, of)
    cognito.sign_up(ClientId=to, Username="ravi", Password=PASSWORD)
    cognito.admin_confirm_sign_up(UserPoolId=of, Username="ravi")
    given = {"USERNAME": "ravi", "PASSWORD": PASSWORD}
    tokens = cognito.initiate_auth(
        ClientId=to, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
    )["AuthenticationResult"]
    for name in ("AccessToken", "IdToken"):
        claims = json.loads(base64.urlsafe_b64decode(tokens[name].split(".")[1] + "=="))
        assert uuid.UUID(claims["event_id"])
    changed = [{"Name": "sub", "Value": "another"}]
    asked = {"AccessToken": tokens["AccessToken"], "UserAttributes": changed}
    assert error(cognito.update_user_attributes, **asked) == "NotAuthorizedException"
