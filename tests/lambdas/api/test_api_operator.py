"""An operator disables, enables and deletes users: the function's acts, seen by users and by IAM."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.api import operator
from lambdas.api.removal import end_sign_ins
from lambdas.api.sign_ins import SignIns
from lambdas.messages.chats import Chats
from lambdas.presence import tickets
from lambdas.presence.devices import Devices
from tests.support.lambdas.interrupted import interrupt
from tests.support.lambdas.rest import PASSWORD, Phone, Reply, Rest, client, new_name
from tests.support.lambdas.sessions import Session, opens

NEW = "another Passw0rd!"


def act(api: Rest, what: str, user: str) -> Any:
    return operator.respond(api.aws, {"act": what, "user": user})


def sign_in(api: Rest, user: str, password: str = PASSWORD) -> Reply:
    return api.request("POST", "/api/sign-in", {"username": user, "password": password})


def endpoints(api: Rest, user: str) -> list[Any]:
    """Those of the user's devices, whose tokens end with the name."""
    arn = api.aws.settings["FCM_APPLICATION_ARN"]
    found = client("sns").list_endpoints_by_platform_application(PlatformApplicationArn=arn)
    return [each for each in found["Endpoints"] if each["Attributes"]["Token"].endswith(f"-{user}")]


def with_phone(api: Rest) -> tuple[str, Session]:
    """A user who is signed in, with a device that gets pushes and is connected."""
    (user,) = api.sign_up("ravi")
    own = Session(api, user)
    push = {"platform": "fcm", "token": f"token-of-{user}"}
    own.request("PUT", "/api/devices/phone", Phone(user).registration(push=push))
    api.connect(Phone(user))
    return user, own


def test_whoever_is_disabled_is_out_at_once_with_sockets_tickets_tokens_and_pushes(
    api: Rest,
) -> None:
    user, own = with_phone(api)
    push = {"platform": "fcm", "token": f"second-of-{user}"}
    own.request("PUT", "/api/devices/desk", Phone(user, "desk").registration(push=push))
    ticket = own.ticket("phone").body["ticket"]
    assert len(endpoints(api, user)) == 2
    assert act(api, "disable", user) == {"user": user, "act": "disable", "done": True}
    assert f"connection-of-{user}-phone" in api.gateway.closed
    devices = Devices(api.aws.users).of([user], consistent=True)[user]
    assert devices["phone"].connection_id is None  # also where the closing failed
    assert opens(api, ticket) == 403  # it was given before
    assert endpoints(api, user) == []
    for reply in (own.ticket("phone"), own.request("GET", "/api/chats"), own.register("phone")):
        assert (reply.status, reply.body["error"]["code"]) == (403, "forbidden")
        assert reply.body["error"]["message"] == "this account is disabled"
    assert own.refresh().status == sign_in(api, user).status == 401
    assert act(api, "disable", user)["done"]  # and once more


def test_nobody_signs_in_between_the_end_of_all_sign_ins_and_being_disabled(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, _ = with_phone(api)
    tried: list[int] = []

    def ending(*given: Any) -> None:
        tried.append(sign_in(api, user).status)
        end_sign_ins(*given)

    monkeypatch.setattr(operator, "end_sign_ins", ending)
    act(api, "disable", user)
    assert tried == [401]


def test_whoever_is_enabled_again_signs_in_anew_and_has_its_devices_and_chats(api: Rest) -> None:
    user, own = with_phone(api)
    (raju,) = api.sign_up("raju")
    chat = own.request("POST", "/api/chats", {"kind": "direct", "with": raju}).body["chat"]
    ticket = own.ticket("phone").body["ticket"]
    token = api.token(user, origin_jti="of no device", auth_time=int(time.time()) - 60)
    headers = {"authorization": f"Bearer {token}"}
    assert api.request("GET", "/api/chats", headers=headers).status == 200
    act(api, "disable", user)
    assert act(api, "enable", user) == {"user": user, "act": "enable", "done": True}
    assert own.refresh().status == 401
    assert api.request("GET", "/api/chats", headers=headers).status == 401
    assert opens(api, ticket) == 403
    again = Session(api, user)
    assert [each["chat"] for each in again.request("GET", "/api/chats").body["chats"]] == [chat]
    assert opens(api, again.ticket("phone").body["ticket"]) == 200


def test_whoever_an_operator_deletes_leaves_the_chats_and_the_name_stays_taken(api: Rest) -> None:
    user, own = with_phone(api)
    (raju,) = api.sign_up("raju")
    own.request("POST", "/api/chats", {"kind": "direct", "with": raju})
    ticket = own.ticket("phone").body["ticket"]
    notified = api.connect(Phone(raju)) if api.phone(raju) else []
    assert act(api, "delete", user) == {"user": user, "act": "delete", "done": True}
    assert f"connection-of-{user}-phone" in api.gateway.closed
    assert opens(api, ticket) == 403
    assert endpoints(api, user) == []
    assert [frame["user"] for frame in notified if "chat" in frame] == [user]
    assert own.request("GET", "/api/chats").status == sign_in(api, user).status == 401
    body = {"username": user, "password": PASSWORD}
    assert api.request("POST", "/api/sign-up", body).status == 409
    assert act(api, "enable", user)["error"]["code"] == "not_found"


def test_a_deletion_without_time_for_all_chats_says_so_and_is_repeated(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, own = with_phone(api)
    (raju,) = api.sign_up("raju")
    own.request("POST", "/api/chats", {"kind": "group", "members": [raju]})
    monkeypatch.setattr(operator, "DELETING_SECONDS", -1.0)
    assert act(api, "delete", user)["done"] is False
    assert own.request("GET", "/api/chats").status == 401  # closed from the first moment
    monkeypatch.undo()
    assert act(api, "delete", user)["done"] is True


def test_what_was_deleted_in_cognito_itself_is_deleted_here_too(api: Rest) -> None:
    user, own = with_phone(api)
    (raju,) = api.sign_up("raju")
    own.request("POST", "/api/chats", {"kind": "direct", "with": raju})
    pool = api.aws.settings["USER_POOL_ID"]
    client("cognito-idp").admin_delete_user(UserPoolId=pool, Username=user)
    assert act(api, "delete", user)["done"] is True
    names, _ = Chats(api.aws.chats, api.aws.users).names(user, None)
    assert names == []
    assert Devices(api.aws.users).of([user]) == {}


@pytest.mark.parametrize("password", [PASSWORD, NEW])
def test_a_name_that_was_deleted_in_cognito_itself_is_given_to_nobody(
    api: Rest, password: str
) -> None:
    user, _ = with_phone(api)
    pool = api.aws.settings["USER_POOL_ID"]
    client("cognito-idp").admin_delete_user(UserPoolId=pool, Username=user)
    reply = api.request("POST", "/api/sign-up", {"username": user, "password": password})
    assert (reply.status, reply.body["error"]["code"]) == (409, "conflict")
    assert sign_in(api, user, password).status == 401  # nothing was made in Cognito either


def test_a_deletion_that_has_begun_is_not_undone_by_enabling(api: Rest) -> None:
    user, _ = with_phone(api)
    SignIns(api.aws.users).delete(user, api.aws.now())  # and Cognito's user, who goes last, stands
    assert act(api, "enable", user)["error"]["code"] == "not_found"
    assert sign_in(api, user).status == 401


@pytest.mark.parametrize("what", ["disable", "delete"])
def test_that_cognito_signs_no_disabled_user_out_stops_nothing(
    api: Rest, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user,) = api.sign_up("ravi")

    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "NotAuthorizedException"}}, "AdminUserGlobalSignOut")

    monkeypatch.setattr(api.aws.cognito, "admin_user_global_sign_out", refused)
    assert act(api, what, user) == {"user": user, "act": what, "done": True}


@pytest.mark.parametrize("what", ["disable", "enable", "delete"])
def test_nobody_is_disabled_enabled_or_deleted_who_does_not_exist(api: Rest, what: str) -> None:
    assert act(api, what, new_name("nobody"))["error"]["code"] == "not_found"


EVENTS: list[dict[str, Any]] = [
    {},
    {"act": "disable"},
    {"act": "disable", "user": None},
    {"act": "disable", "user": "Ravi"},
    {"act": "rename", "user": "ravi"},
    {"act": None, "user": "ravi"},
    {"act": ["disable"], "user": "ravi"},
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_of_another_form_does_nothing(api: Rest, event: dict[str, Any]) -> None:
    assert operator.respond(api.aws, event)["error"]["code"] == "bad_request"


def test_a_new_password_closes_also_what_a_ticket_from_before_would_open(api: Rest) -> None:
    user, own = with_phone(api)
    ticket = own.ticket("phone").body["ticket"]
    body = {"username": user, "password": PASSWORD, "new_password": NEW}
    assert api.request("POST", "/api/password", body).status == 200
    assert opens(api, ticket) == 403
    fresh = Session(api, user, NEW)
    assert opens(api, fresh.ticket("phone").body["ticket"]) == 200


def test_a_ticket_that_was_being_given_while_all_sign_ins_ended_opens_nothing(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, own = with_phone(api)
    issue = tickets.issue

    def late(*arguments: Any) -> str:
        act(api, "disable", user)
        return issue(*arguments)

    monkeypatch.setattr(tickets, "issue", late)
    reply = own.ticket("phone")
    assert reply.status == 201  # it was checked before
    assert opens(api, reply.body["ticket"]) == 403


@pytest.mark.parametrize("number", range(1, 5))
def test_a_ticket_that_is_asked_for_while_all_sign_ins_end_opens_nothing_afterwards(
    api: Rest, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    user, _ = with_phone(api)
    token = api.token(user, origin_jti="own", auth_time=int(time.time()) - 60)
    headers, given = {"authorization": f"Bearer {token}"}, list[Reply]()

    def asks() -> None:
        body = {"device": "phone"}
        given.append(api.request("POST", "/api/tickets", body, headers=headers))

    with monkeypatch.context() as patch:
        interrupt(patch, number, asks)
        end_sign_ins(api.aws, user)
    (reply,) = given
    assert reply.status == 401 or opens(api, reply.body["ticket"]) == 403
