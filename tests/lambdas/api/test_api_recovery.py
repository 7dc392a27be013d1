"""A forgotten password over REST: the address, the codes by mail, and what stays secret."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from emulator.aws.cognito_codes import CODES
from lambdas.api import recovery
from lambdas.limits import CODES as TRIES
from lambdas.limits import MAILS, MAILS_BY_ADDRESS, Limit
from tests.support.lambdas.rest import PASSWORD, Phone, Reply, Rest, client, new_name
from tests.support.lambdas.sessions import Session

NEW = "another Passw0rd!"


def forget(api: Rest, user: str, **more: Any) -> Reply:
    return api.request("POST", "/api/password/reset", {"username": user}, **more)


def reset(api: Rest, user: str, code: str, new: str = NEW) -> Reply:
    body = {"username": user, "code": code, "new_password": new}
    return api.request("POST", "/api/password/reset/confirm", body)


def give(own: Session, email: str, password: str = PASSWORD) -> Reply:
    return own.request("PUT", "/api/account/email", {"email": email, "password": password})


def confirm(own: Session, code: str) -> Reply:
    return own.request("POST", "/api/account/email/confirm", {"code": code})


def mailed(user: str) -> str:
    """The last code."""
    return [mail["code"] for mail in CODES.mails if mail["user"] == user][-1]


def with_email(api: Rest) -> tuple[str, Session]:
    (user,) = api.sign_up("ravi")
    own = Session(api, user)
    assert give(own, f"{user}@x.org").body == {"sent": True}
    assert confirm(own, mailed(user)).body == {"confirmed": True}
    return user, own


def message(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.body["error"]["message"]


def test_a_forgotten_password_is_reset_by_mail_and_ends_every_sign_in(api: Rest) -> None:
    user, own = with_email(api)
    own.register("phone")
    api.connect(Phone(user))
    assert forget(api, user).body == {"sent": True}
    another = Session(api, user).tokens["refresh_token"]
    reply = reset(api, user, mailed(user))
    assert reply.status == 200
    cognito = client("cognito-idp")
    with pytest.raises(cognito.exceptions.NotAuthorizedException):  # who asks it directly
        cognito.initiate_auth(
            ClientId=api.aws.settings["USER_POOL_CLIENT_ID"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": another},
        )
    assert f"connection-of-{user}-phone" in api.gateway.closed
    assert own.refresh().status == own.ticket("phone").status == 401
    body = {"username": user, "password": PASSWORD}
    assert api.request("POST", "/api/sign-in", body).status == 401
    now = Session(api, user, NEW)
    assert now.ticket("phone").status == 201
    now.tokens = reply.body
    assert now.refresh().status == 200
    assert reset(api, user, mailed(user)).status == 200  # asked again, after a lost response
    other = reset(api, user, mailed(user), "Another-horse-8")
    assert message(other) == (400, "the code is wrong or has expired")


def test_the_new_password_is_one_in_all_its_forms(api: Rest) -> None:
    user, _ = with_email(api)
    forget(api, user)
    assert reset(api, user, mailed(user), "Passw0rd cafe\u0301!").status == 200
    assert "access_token" in Session(api, user, "Passw0rd caf\u00e9!").tokens


def test_a_wrong_code_and_a_weak_password_change_nothing(api: Rest) -> None:
    user, own = with_email(api)
    forget(api, user)
    assert message(reset(api, user, "x")) == (400, "the code is wrong or has expired")
    assert reset(api, user, mailed(user), "weak").status == 400
    assert own.refresh().status == 200
    assert reset(api, user, mailed(user)).status == 200


def test_every_name_gets_the_same_response(api: Rest) -> None:
    user, _ = with_email(api)
    (without,) = api.sign_up("raju")
    (disabled, _) = with_email(api)
    (unconfirmed,) = api.sign_up("zoe")
    give(Session(api, unconfirmed), "zoe@x.org")
    pool = {"UserPoolId": api.aws.settings["USER_POOL_ID"]}
    client("cognito-idp").admin_disable_user(**pool, Username=disabled)
    names = (user, without, disabled, unconfirmed, new_name("nobody"))
    sent = len(CODES.mails)
    assert {str(forget(api, name)[:2]) for name in names} == {"(200, {'sent': True})"}
    assert [mail["user"] for mail in CODES.mails[sent:]] == [user]
    assert {message(reset(api, name, "x")) for name in names} == {
        (400, "the code is wrong or has expired")
    }


def test_an_address_needs_the_password_and_counts_once_it_is_confirmed(api: Rest) -> None:
    user, own = with_email(api)
    assert give(own, "thief@x.org", "wrong Passw0rd!").status == 401
    assert give(own, "thief@x.org").status == 200
    forget(api, user)
    assert [mail["to"] for mail in CODES.mails if mail["user"] == user][-1] == f"{user}@x.org"
    assert message(confirm(own, "x")) == (400, "the code is wrong or has expired")


@pytest.mark.parametrize("email", ["", "x", "@", "a@", "@b", "a b@c.d", "a@b@c", "a@b\n", "é@b.c"])
def test_what_is_no_address_is_a_bad_request(api: Rest, email: str) -> None:
    (user,) = api.sign_up("ravi")
    assert give(Session(api, user), email).status == 400


def test_nobody_sees_an_address(api: Rest) -> None:
    user, own = with_email(api)
    (other,) = api.sign_up("raju")
    peer = Session(api, other)
    seen = [
        own.request("GET", "/api/account"),
        peer.request("GET", f"/api/users/{user}/devices"),
        peer.request("GET", "/api/contacts"),
    ]
    assert f"{user}@x.org" not in str(seen)
    items = list(api.aws.users.query_all({"user": user}))
    assert f"{user}@x.org" not in str(items)


def test_mails_are_limited_by_name_and_by_address(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(type(api.aws), "now", lambda _: now)
    for user in (api.sign_up("ravi")[0], new_name("nobody")):
        replies = [forget(api, user) for _ in range(MAILS.at_once + 1)]
        assert [reply.status for reply in replies] == [200] * MAILS.at_once + [429]
        assert 0 < replies[-1].body["error"]["retry_after"] <= MAILS.seconds
    monkeypatch.setattr(recovery, "MAILS_BY_ADDRESS", MAILS_BY_ADDRESS._replace(at_once=2))
    headers = {"x-forwarded-for": "198.51.100.77"}
    statuses = [forget(api, new_name("nobody"), headers=headers).status for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_each_request_about_an_address_or_a_code_is_limited(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, own = with_email(api)
    asked: dict[str, list[Callable[[], Reply]]] = {
        "MAILS": [lambda: give(own, "a@x.org"), lambda: forget(api, user)],
        "CODES": [lambda: confirm(own, "x"), lambda: reset(api, user, "x")],
        "SIGN_INS": [lambda: reset(api, user, "x")],
    }
    for limit, requests in asked.items():
        with monkeypatch.context() as small:
            small.setattr(recovery, limit, Limit(0, 30, "too many"))
            replies = [request() for request in requests]
        found = [(reply.status, reply.body["error"].get("retry_after")) for reply in replies]
        assert found == [(429, 30)] * len(requests), limit


def test_codes_can_not_be_guessed(api: Rest) -> None:
    user, _ = with_email(api)
    forget(api, user)
    tried = [reset(api, user, "x").status for _ in range(TRIES.at_once)]
    assert tried == [400] * (TRIES.at_once - 1) + [429]  # one was for the address
    assert reset(api, user, mailed(user)).status == 429


def test_where_it_is_off_a_sentence_says_so(api: Rest) -> None:
    user, own = with_email(api)
    off = api.deployed_with(PASSWORD_RESET="false")
    own = Session(off, user)
    replies = [
        forget(off, user),
        reset(off, user, "x"),
        give(own, "a@b.c"),
        confirm(own, "x"),
    ]
    assert {message(reply) for reply in replies} == {(403, recovery.OFF)}
