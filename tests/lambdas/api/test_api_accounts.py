"""Sign-up, sign-in and token, over moto's Cognito."""

import json
from typing import Any

import pytest

from lambdas.presence.devices import Devices
from tests.support.lambdas.rest import PASSWORD, Reply, Rest, client, new_name, written_log
from tests.support.rows import rows


def sign_up(api: Rest, user: str, password: str = PASSWORD) -> Reply:
    return api.request("POST", "/api/sign-up", {"username": user, "password": password})


def sign_in(api: Rest, user: str, password: str = PASSWORD) -> Reply:
    return api.request("POST", "/api/sign-in", {"username": user, "password": password})


def authorized(api: Rest, token: str) -> Reply:
    return api.request("GET", "/api/chats", headers={"authorization": f"Bearer {token}"})


def test_who_signs_up_can_sign_in_and_use_the_token(api: Rest) -> None:
    user = new_name("ravi")
    assert sign_up(api, user)[:2] == (201, {"user": user})
    assert Devices(api.aws.users).of([user]) == {user: {}}
    reply = sign_in(api, user)
    assert reply.status == 200
    assert reply.body["expires_in"] > 0
    assert authorized(api, reply.body["access_token"]).body == {"chats": [], "invitations": []}


def test_signing_up_is_idempotent_for_a_response_that_was_lost(api: Rest) -> None:
    user = new_name("ravi")
    assert [sign_up(api, user).status for _ in range(3)] == [201, 201, 201]
    assert sign_up(api, user, "another Passw0rd!").status == 409


def test_a_name_that_is_taken_is_a_conflict(api: Rest) -> None:
    user = new_name("ravi")
    assert sign_up(api, user).status == 201
    reply = sign_up(api, user, "another Passw0rd!")
    assert (reply.status, reply.body["error"]["code"]) == (409, "conflict")
    assert sign_in(api, user).status == 200


@pytest.mark.parametrize("password", ["short", "x"])
def test_a_weak_password_is_rejected_and_the_answer_says_what_it_lacks(
    api: Rest, password: str
) -> None:
    user = new_name("ravi")
    reply = sign_up(api, user, password)
    assert reply.status == 400
    assert "assword" in reply.body["error"]["message"]
    assert password not in reply.body["error"]["message"]
    assert Devices(api.aws.users).of([user]) == {}


@rows(
    "user", ["", "ab", "Ravi", "ra vi", "ravi\n", "x" * 33, "räv", "a/b", "a#b", 7, None, ["ravi"]]
)
def test_a_user_name_is_3_to_32_lower_case_letters_digits_and_underscores(
    api: Rest, user: Any
) -> None:
    for path in ("/api/sign-up", "/api/sign-in"):
        body = {"username": user, "password": PASSWORD}
        assert api.request("POST", path, body).status == 400


def test_unknown_user_and_wrong_password_look_the_same(api: Rest) -> None:
    user = new_name("ravi")
    sign_up(api, user)
    wrong, unknown = sign_in(api, user, "wrong Passw0rd"), sign_in(api, new_name("nobody"))
    assert wrong.status == unknown.status == 401
    assert wrong.body == unknown.body
    assert wrong.headers == unknown.headers


def test_a_sign_up_that_broke_off_halfway_is_completed_by_signing_in(api: Rest) -> None:
    user = new_name("ravi")
    cognito = client("cognito-idp")
    cognito.sign_up(
        ClientId=api.aws.settings["USER_POOL_CLIENT_ID"], Username=user, Password=PASSWORD
    )
    assert sign_in(api, user, "wrong Passw0rd").status == 401
    assert Devices(api.aws.users).of([user]) == {}
    assert sign_in(api, user).status == 200
    assert Devices(api.aws.users).of([user]) == {user: {}}


def test_a_refresh_token_gives_another_access_token(api: Rest) -> None:
    user = new_name("ravi")
    sign_up(api, user)
    refresh_token = sign_in(api, user).body["refresh_token"]
    reply = api.request("POST", "/api/token", {"refresh_token": refresh_token})
    assert reply.status == 200
    assert set(reply.body) == {"access_token", "expires_in"}
    assert authorized(api, reply.body["access_token"]).status == 200


def test_a_refresh_token_that_is_none_is_unauthorized(api: Rest) -> None:
    user = new_name("ravi")
    sign_up(api, user)
    for text in ("x", sign_in(api, user).body["access_token"]):
        reply = api.request("POST", "/api/token", {"refresh_token": text})
        assert (reply.status, reply.body["error"]["code"]) == (401, "unauthorized")


def test_an_id_token_is_no_access_token(api: Rest) -> None:
    user = new_name("ravi")
    sign_up(api, user)
    cognito = client("cognito-idp")
    result = cognito.initiate_auth(
        ClientId=api.aws.settings["USER_POOL_CLIENT_ID"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    assert authorized(api, result["AccessToken"]).status == 200
    assert authorized(api, result["IdToken"]).status == 401
    assert authorized(api, result["RefreshToken"]).status == 401


def test_passwords_and_tokens_stay_out_of_the_log(api: Rest) -> None:
    user = new_name("ravi")
    with written_log() as log:
        sign_up(api, user)
        sign_up(api, user, "another Passw0rd!")
        sign_in(api, user, "wrong Passw0rd")
        tokens = sign_in(api, user).body
        authorized(api, tokens["access_token"])
        authorized(api, tokens["access_token"] + "x")
        api.request("POST", "/api/token", {"refresh_token": tokens["refresh_token"]})
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["status"] for line in lines] == [201, 409, 401, 200, 200, 401, 200]
    for secret in (PASSWORD, "wrong Passw0rd", tokens["access_token"], tokens["refresh_token"]):
        assert secret not in log.getvalue()
