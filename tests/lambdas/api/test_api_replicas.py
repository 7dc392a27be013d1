"""Requests whose outcome must not depend on a replica: reads that are not consistent find nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.api import operator
from lambdas.presence.devices import Devices
from lambdas.tables import DEVICES, user_key
from tests.support.lambdas.replica import lagging
from tests.support.lambdas.rest import PASSWORD, Phone, Rest, client, new_name
from tests.support.lambdas.sessions import Session

PUSH = {"platform": "fcm", "token": "a-token"}


@pytest.fixture
def lag(api: Rest) -> Iterator[None]:
    with lagging(api.aws.dynamodb):
        yield


@pytest.fixture
def own(api: Rest) -> Session:
    """A user's sign-in that has registered a device with a push token, before the replica lagged."""
    (user,) = api.sign_up("ravi")
    session = Session(api, user)
    path, phone = "/api/devices/phone", Phone(user)
    push = {**PUSH, "token": f"token-of-{user}"}
    assert session.request("PUT", path, phone.registration(push=push)).status == 200
    return session


def device(api: Rest, user: str) -> Any:
    item = api.aws.users.get(user_key(user, DEVICES), consistent=True) or {"devices": {}}
    return item["devices"].get("phone")


@pytest.mark.usefixtures("lag")
class TestWhileReplicasLag:
    def test_a_device_gets_a_ticket(self, own: Session) -> None:
        assert own.ticket("phone").status == 201

    def test_pushes_are_turned_off(self, api: Rest, own: Session) -> None:
        assert own.register("phone").status == 200
        assert "endpoint_arn" not in device(api, own.user)

    def test_a_sign_in_ends_with_its_device(self, api: Rest, own: Session) -> None:
        assert Session(api, own.user).remove("phone").status == 204
        assert own.register("phone").status == own.refresh().status == 401

    def test_signing_out_everywhere_leaves_no_device(self, api: Rest, own: Session) -> None:
        reply = own.request("POST", "/api/sign-out", {"everywhere": True})
        assert reply.status == 200 and device(api, own.user) is None

    def test_a_name_that_is_taken_is_taken(self, api: Rest, own: Session) -> None:
        body = {"username": own.user, "password": f"not {PASSWORD}"}
        assert api.request("POST", "/api/sign-up", body).status == 409
        pool = api.aws.settings["USER_POOL_ID"]
        client("cognito-idp").admin_delete_user(UserPoolId=pool, Username=own.user)
        body = {"username": own.user, "password": PASSWORD}
        assert api.request("POST", "/api/sign-up", body).status == 409

    def test_a_user_becomes_a_contact(self, api: Rest, own: Session) -> None:
        (peer,) = api.strangers("raju")
        path = f"/api/contacts/{peer}"
        assert own.request("PUT", path, {"state": "contact"}).status == 200

    def test_a_key_of_a_device_that_has_just_come_is_claimed(self, own: Session) -> None:
        phone = Phone(own.user)
        assert own.request("PUT", "/api/devices/phone", phone.registration()).status == 200
        keys = {"one_time_keys": phone.one_time_keys(range(1))}
        assert own.request("POST", "/api/devices/phone/one-time-keys", keys).status == 200
        address = f"{own.user}/phone"
        claimed = own.request("POST", "/api/keys/claim", {"devices": [address]}).body["keys"]
        assert [*claimed] == [address]

    def test_an_export_has_everything(self, own: Session) -> None:
        (peer,) = own.api.sign_up("raju")
        chat = own.request("POST", "/api/chats", {"kind": "direct", "with": peer}).body["chat"]
        items = own.request("GET", "/api/account").body["items"]
        names = {each["item"]["item"] for each in items}
        assert {"devices", "device#phone", f"chat#{chat}", f"member#{own.user}"} <= names

    def test_nothing_of_a_deleted_account_is_left(self, api: Rest, own: Session) -> None:
        body = {"username": own.user, "password": PASSWORD}
        assert api.request("POST", "/api/account/delete", body).body == {"done": True}
        rows = [row["item"] for row in api.aws.users.query_all({"user": own.user}, consistent=True)]
        assert [row for row in rows if not row.startswith("former#")] == ["account"]
        arn = f"token-of-{own.user}"
        application = api.aws.settings["FCM_APPLICATION_ARN"]
        found = client("sns").list_endpoints_by_platform_application(
            PlatformApplicationArn=application
        )
        assert arn not in {each["Attributes"]["Token"] for each in found["Endpoints"]}

    def test_whoever_is_disabled_gets_no_pushes(self, api: Rest, own: Session) -> None:
        event = {"act": "disable", "user": own.user}
        assert operator.respond(api.aws, event)["done"] is True
        assert "endpoint_arn" not in device(api, own.user)

    def test_an_operator_deletes_what_cognito_has_lost(self, api: Rest) -> None:
        user = new_name("mira")
        Devices(api.aws.users).create_user(user)
        response = operator.respond(api.aws, {"act": "delete", "user": user})
        assert response.get("error", {}).get("code") != "not_found"
