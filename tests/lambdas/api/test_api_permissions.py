"""The Api, Push and PlatformApplications functions call what they are granted, and all of it."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.api import operator
from lambdas.delivery import push
from lambdas.notifications import platform_applications
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, Settings
from stacks.config.permissions import PERMISSIONS
from tests.support.lambdas import unread
from tests.support.lambdas.moto_aws import moto_aws
from tests.support.lambdas.permissions import Used, recorded_actions
from tests.support.lambdas.platforms_scene import Context, UnknownStack, request
from tests.support.lambdas.push_service import push_service
from tests.support.lambdas.rest import DUMMY, Phone, Rest, rest

# what Cognito lets anybody do who knows the app client's id, or has a token or password besides
OPEN = {
    "cognito-idp:SignUp",
    "cognito-idp:InitiateAuth",
    "cognito-idp:ChangePassword",
    "cognito-idp:RespondToAuthChallenge",
    "cognito-idp:RevokeToken",
    "cognito-idp:UpdateUserAttributes",
    "cognito-idp:VerifyUserAttribute",
    "cognito-idp:ForgotPassword",
    "cognito-idp:ConfirmForgotPassword",
}


@pytest.fixture
def used() -> Iterator[Used]:
    """resource -> actions, as IAM would have checked them."""
    with recorded_actions() as seen:
        yield seen


def granted(function: str) -> dict[str, set[str]]:
    """By table, and by service for everything else."""
    grants: Used = defaultdict(set)
    for resource, allowed in PERMISSIONS[function].items():
        for action in allowed:
            service = action.partition(":")[0]
            grants[resource if service == "dynamodb" else service].add(action)
    return grants


def everything_a_client_can_do(api: Rest) -> None:
    ask = api.request
    for name in ("ravi_", "raju_", "zoe_"):
        credentials = {"username": name, "password": "correct horse 7 Battery!"}
        assert ask("POST", "/api/sign-up", credentials).status == 201
    tokens = ask("POST", "/api/sign-in", credentials).body
    ask("POST", "/api/token", {"refresh_token": tokens["refresh_token"]})
    ask("POST", "/api/sign-out", {"refresh_token": "x"}, user="zoe_")
    ask("POST", "/api/password", {**credentials, "new_password": "another Passw0rd!"})
    credentials["password"] = "another Passw0rd!"
    push_token = {"platform": "fcm", "token": "one-phone"}
    phone, other = api.phone("ravi_", push=push_token), api.phone("raju_", push=push_token)
    api.phone("raju_", push={"platform": "fcm", "token": "another-phone"})
    api.phone("raju_")
    api.phone("raju_", push=push_token)
    keys = {
        "one_time_keys": phone.one_time_keys(range(2)),
        "fallback_key": phone.fallback_key("f", 9),
    }
    ask("POST", "/api/devices/phone/one-time-keys", keys, user="ravi_")
    for _ in range(3):
        ask("POST", "/api/keys/claim", {"devices": [phone.address]}, user="raju_")
    chat = ask("POST", "/api/chats", {"kind": "direct", "with": "raju_"}, user="ravi_").body["chat"]
    ask("GET", f"/api/chats/{chat}/messages", user="ravi_")
    file = ask("POST", f"/api/chats/{chat}/files", {"size": 1}, user="ravi_").body["file"]
    ask("GET", f"/api/chats/{chat}/files/{file}", user="raju_")
    group = ask("POST", "/api/chats", {"kind": "group", "members": ["raju_"]}, user="ravi_")
    path = f"/api/chats/{group.body['chat']}/members"
    ask("POST", path, {"add": ["zoe_"]}, user="ravi_")
    ask("POST", f"/api/chats/{group.body['chat']}/accept", user="zoe_")
    ask("POST", f"/api/chats/{group.body['chat']}/accept", user="raju_")
    ask("GET", "/api/settings", user="ravi_")
    ask("POST", path, {"remove": ["raju_", "zoe_"]}, user="ravi_")
    ask("GET", "/api/chats", user="ravi_")
    ask("GET", "/api/users/ravi_/devices", user="raju_")
    ask("POST", "/api/tickets", {"device": "phone"}, user="ravi_")
    ask("GET", "/api/web-push-key", user="ravi_")
    api.connect(other)
    api.gateway.received.clear()
    ask("PUT", "/api/devices/phone", Phone("ravi_").registration(), user="ravi_")
    api.connect(other)
    ask("DELETE", "/api/devices/phone", user="raju_")
    ask("GET", "/api/account", user="raju_")
    ask("POST", "/api/account/delete", credentials)
    # a hole in a chat makes its reader look at the head once more
    api.aws.chats.update({"chat": chat, "item": "head"}, "SET seq = :two", two=2)
    old = {"chat": chat, "item": "message#000000000002", "void": True, "sent_at": 0}
    api.aws.chats.put({**old, "expires_at": 4_000_000_000})
    ask("GET", f"/api/chats/{chat}/messages", user="ravi_")


def test_the_api_uses_exactly_what_it_is_granted(used: Used) -> None:
    with rest() as api:
        used.clear()
        everything_a_client_can_do(api)
    table_of_grants = granted("Api")
    table_of_grants.pop("execute-api")  # posts are signed by hand
    for resource, grants in table_of_grants.items():
        assert used[resource] - OPEN == grants, resource
    assert set(used) == set(table_of_grants)


def test_the_operator_uses_exactly_what_it_is_granted(used: Used) -> None:
    with rest() as api:
        ravi, raju = api.sign_up("ravi", "raju")
        api.phone(ravi, push={"platform": "fcm", "token": "one-phone"})
        other = api.phone(raju)
        for body in ({"kind": "direct", "with": raju}, {"kind": "group", "members": [raju]}):
            api.request("POST", "/api/chats", body, user=ravi)
        api.connect(other)
        (cognito_only,) = api.strangers("zoe")
        api.aws.users.delete({"user": cognito_only, "item": "devices"})
        used.clear()
        for act in ("disable", "enable", "delete"):
            operator.respond(api.aws, {"act": act, "user": ravi})
        operator.respond(api.aws, {"act": "delete", "user": cognito_only})
    grants = granted("Operator")
    grants.pop("execute-api")  # posts are signed by hand
    assert used == grants


def test_push_uses_exactly_what_it_is_granted(used: Used, monkeypatch: pytest.MonkeyPatch) -> None:
    with rest() as api, push_service() as service:
        monkeypatch.setattr(push, "invoked", lambda: api.aws)
        (ravi,) = api.sign_up("ravi")
        tokens = ({"platform": "fcm", "token": f"token-{number}"} for number in range(2))
        api.phone(ravi, push=next(tokens))
        api.phone(ravi, "tablet", push=next(tokens))
        api = api.deployed_with(EMULATOR_WEB_PUSH_URL=service.url)
        api.phone(ravi, "browser", web_push=service.browser().subscription._asdict())
        arn = Devices(api.aws.users).of([ravi])[ravi]["tablet"].endpoint_arn
        api.aws.sns.delete_endpoint(EndpointArn=str(arn))
        unread.text(api.aws, ravi)
        used.clear()
        push.handler({"Records": [unread.record(ravi)]}, None)
        before = {name: {*operations} for name, operations in used.items()}
        service.status = 410  # the browser's subscription has ended
        unread.text(api.aws, ravi)
        used.clear()
        push.handler({"Records": [unread.record(ravi)]}, None)
        for name, operations in before.items():
            used[name] |= operations
    grants = granted("Push")
    grants.pop("sqs")  # the event source mapping's
    assert used == grants


def test_the_platform_applications_use_exactly_what_they_are_granted(
    used: Used, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_aws():
        function = Aws(Settings(DUMMY))
        function.cloudformation.meta.events.register(
            "before-call", lambda **_: UnknownStack().describe_stacks("x")
        )
        monkeypatch.setattr(platform_applications, "deployment_aws", lambda: function)
        monkeypatch.setattr(
            platform_applications, "respond", lambda _url, response: responses.append(response)
        )
        credential = {"project_id": "p", "client_email": "e", "private_key": "k"}
        secret = function.secrets.create_secret(Name="fcm", SecretString=json.dumps(credential))
        given = {"NamePrefix": "x", "FcmSecretArn": secret["ARN"]}
        used.clear()
        responses: list[Any] = []
        for kind in ("Create", "Update", "Delete"):
            event = request("https://response", kind, given, "x-platform-applications")
            platform_applications.handler(event, Context())
    assert [response["Status"] for response in responses] == ["SUCCESS"] * 3
    grants = granted("PlatformApplications")
    grants.pop("iam", None)  # iam:PassRole is no call of its own
    assert used == grants
