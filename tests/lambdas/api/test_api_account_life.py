"""An account's life after sign-up: passwords, signing out, export, deletion, and operators."""

import time
from typing import Any

import pytest

from lambdas.api.cognito import Accounts
from lambdas.api.sign_ins import SignIns
from lambdas.limits import Limit
from lambdas.messages.membership import Membership
from lambdas.presence.devices import Devices
from lambdas.presence.tickets import redeem
from tests.support.lambdas.backend import Clock
from tests.support.lambdas.rest import PASSWORD, Phone, Reply, Rest, client, new_name
from tests.support.lambdas.sessions import Session

NEW = "another Passw0rd!"


def sign_in(api: Rest, user: str, password: str = PASSWORD) -> Reply:
    return api.request("POST", "/api/sign-in", {"username": user, "password": password})


def change(api: Rest, user: str, password: str, new: str) -> Reply:
    body = {"username": user, "password": password, "new_password": new}
    return api.request("POST", "/api/password", body)


def delete(api: Rest, user: str, password: str = PASSWORD) -> Reply:
    body = {"username": user, "password": password}
    return api.request("POST", "/api/account/delete", body)


def pool(api: Rest) -> dict[str, str]:
    return {"UserPoolId": api.aws.settings["USER_POOL_ID"]}


def code(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.body["error"]["code"]


# -- passwords


def test_a_new_password_ends_every_earlier_sign_in_and_closes_its_connections(api: Rest) -> None:
    (user,) = api.sign_up("ravi")
    phone, unregistered = Session(api, user), Session(api, user)
    phone.register("phone")
    api.connect(Phone(user))
    reply = change(api, user, PASSWORD, NEW)
    assert reply.status == 200
    assert f"connection-of-{user}-phone" in api.gateway.closed
    assert phone.refresh().status == unregistered.refresh().status == 401
    assert phone.ticket("phone").status == 401
    assert sign_in(api, user).status == 401
    now = Session(api, user, NEW)
    now.tokens = reply.body
    assert now.ticket("phone").status == 201  # the device itself stays registered
    assert now.refresh().status == 200


@pytest.mark.parametrize(
    ("password", "new", "status"),
    [("wrong Passw0rd!", NEW, 401), (PASSWORD, "short", 400), (PASSWORD, "x" * 257, 400)],
)
def test_a_password_that_is_not_changed_stays(
    api: Rest, password: str, new: str, status: int
) -> None:
    (user,) = api.sign_up("ravi")
    own = Session(api, user)
    assert change(api, user, password, new).status == status
    assert own.refresh().status == 200


@pytest.mark.parametrize(
    ("path", "proof", "refused"),
    [
        ("/api/password", {"password": "wrong Passw0rd!"}, 401),
        ("/api/password/reset/confirm", {"code": "000000"}, 400),
    ],
)
def test_a_request_that_tries_two_passwords_counts_as_two_sign_ins(
    api: Rest, monkeypatch: pytest.MonkeyPatch, path: str, proof: dict[str, str], refused: int
) -> None:
    (user,) = api.sign_up("ravi")
    for module in ("accounts", "recovery"):
        monkeypatch.setattr(f"lambdas.api.{module}.SIGN_INS", Limit(4, 600, "too many"))
    body = {"username": user, "new_password": NEW, **proof}
    headers = {"x-forwarded-for": f"198.51.100.{refused % 200}"}
    tries = [api.request("POST", path, body, headers=headers).status for _ in range(3)]
    assert tries == [refused, refused, 429]


def test_an_operators_temporary_password_leads_to_an_own_one(api: Rest) -> None:
    (user,) = api.sign_up("ravi")
    temporary = "temporary Passw0rd!"
    client("cognito-idp").admin_set_user_password(
        **pool(api), Username=user, Password=temporary, Permanent=False
    )
    refused = sign_in(api, user, temporary)
    assert code(refused) == (403, "forbidden")
    assert "POST /api/password" in refused.body["error"]["message"]
    assert change(api, user, "wrong Passw0rd!", NEW).status == 401
    assert change(api, user, temporary, NEW).status == 200
    assert sign_in(api, user, NEW).status == 200


FORMS = {
    "composed": "Zo\u00eb's \u00c5rhus caf\u00e9 1",
    "decomposed": "Zoe\u0308's A\u030arhus cafe\u0301 1",
    "mixed": "Zo\u00eb's \u212brhus cafe\u0301 1",
    "other spaces": "Zoe\u0308's\u00a0\u00c5rhus\u3000caf\u00e9\u20031",
}


@pytest.mark.sampled
@pytest.mark.parametrize("made", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("typed", FORMS.values(), ids=FORMS)
def test_a_password_is_one_in_all_its_forms(api: Rest, made: str, typed: str) -> None:
    user = new_name("zoe")
    assert api.request("POST", "/api/sign-up", {"username": user, "password": made}).status == 201
    again = api.request("POST", "/api/sign-up", {"username": user, "password": typed})
    assert again.status == 201  # a lost response, asked for again
    assert sign_in(api, user, typed).status == 200
    assert change(api, user, typed, f"{made}x").status == 200
    assert sign_in(api, user, f"{typed}x").status == 200
    assert delete(api, user, f"{typed}x").body == {"done": True}


def test_a_temporary_password_is_changed_for_one_in_any_form(api: Rest) -> None:
    (user,) = api.sign_up("zoe")
    client("cognito-idp").admin_set_user_password(
        **pool(api), Username=user, Password=FORMS["composed"], Permanent=False
    )
    assert change(api, user, FORMS["decomposed"], f"{FORMS['mixed']}x").status == 200
    assert sign_in(api, user, f"{FORMS['other spaces']}x").status == 200


@pytest.mark.parametrize(
    ("made", "typed"),
    [
        ("Passw0rd \ufb01!", "Passw0rd fi!"),
        ("Passw0rd A!", "Passw0rd a!"),
        ("Passw0rd \u00e9!", "Passw0rd e!"),
    ],
)
def test_what_only_looks_alike_is_another_password(api: Rest, made: str, typed: str) -> None:
    user = new_name("zoe")
    assert api.request("POST", "/api/sign-up", {"username": user, "password": made}).status == 201
    assert sign_in(api, user, typed).status == 401


# -- signing out


def test_signing_out_ends_this_sign_in_and_removes_its_device(api: Rest) -> None:
    (user,) = api.sign_up("ravi")
    phone, other = Session(api, user), Session(api, user)
    phone.register("phone")
    other.register("laptop")
    api.connect(Phone(user))
    body = {"device": "phone", "refresh_token": phone.tokens["refresh_token"]}
    assert phone.request("POST", "/api/sign-out", body).status == 200
    assert f"connection-of-{user}-phone" in api.gateway.closed
    with pytest.raises(client("cognito-idp").exceptions.NotAuthorizedException):  # there as well
        client("cognito-idp").get_user(AccessToken=phone.tokens["access_token"])
    assert phone.request("GET", "/api/chats").status == phone.refresh().status == 401
    assert Devices(api.aws.users).of([user])[user].keys() == {"laptop"}
    assert other.refresh().status == other.ticket("laptop").status - 1 == 200


@pytest.mark.parametrize("again", ["by the same sign-in", "by a new one"])
def test_a_device_that_registers_again_during_a_sign_out_stays_by_a_new_sign_in_alone(
    api: Rest, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    (user,) = api.sign_up("ravi")
    phone, new = Session(api, user), Session(api, user)
    phone.register("phone")
    end, registered = SignIns.end, list[int]()

    def registers_first(*given: Any) -> None:
        if not registered:
            registered.append((new if "new" in again else phone).register("phone").status)
        end(*given)

    monkeypatch.setattr(SignIns, "end", registers_first)
    assert phone.request("POST", "/api/sign-out", {"device": "phone"}).status == 200
    assert registered == [200 if "new" in again else 401]
    assert phone.refresh().status == 401 and new.refresh().status == 200
    left = {"phone"} if "new" in again else set()
    assert Devices(api.aws.users).of([user])[user].keys() == left


def test_a_sign_out_that_names_no_device_reads_none(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user,) = api.sign_up("ravi")
    own = Session(api, user)
    body = {"refresh_token": own.tokens["refresh_token"]}
    monkeypatch.setattr(Devices, "of", lambda *_, **__: pytest.fail("they were read"))
    assert own.request("POST", "/api/sign-out", body).status == 200


def test_signing_out_everywhere_ends_all_sign_ins_and_removes_all_devices(api: Rest) -> None:
    (user,) = api.sign_up("ravi")
    phone, laptop, unregistered = (Session(api, user) for _ in range(3))
    phone.register("phone")
    laptop.register("laptop")
    api.connect(Phone(user, "laptop"))
    assert phone.request("POST", "/api/sign-out", {"everywhere": True}).status == 200
    for session in (phone, laptop, unregistered):
        assert session.refresh().status == 401
    assert laptop.register("laptop").status == phone.request("GET", "/api/chats").status == 401
    assert f"connection-of-{user}-laptop" in api.gateway.closed
    assert Devices(api.aws.users).of([user]) == {user: {}}
    assert Session(api, user).register("phone").status == 200


# -- what an operator does at Cognito


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("admin_disable_user", (403, "forbidden")),
        ("admin_delete_user", (401, "unauthorized")),
        ("admin_set_user_password", (403, "forbidden")),
    ],
)
def test_no_ticket_is_given_once_an_operator_has_acted(
    api: Rest, act: str, expected: tuple[int, str]
) -> None:
    (user,) = api.sign_up("ravi")
    own = Session(api, user)
    own.register("phone")
    assert own.ticket("phone").status == 201
    more: dict[str, Any] = {}
    if act == "admin_set_user_password":
        more = {"Password": "temporary Passw0rd!", "Permanent": False}
    getattr(client("cognito-idp"), act)(**pool(api), Username=user, **more)
    assert code(own.ticket("phone")) == expected


def test_a_ticket_is_as_old_as_its_request_so_that_what_ends_meanwhile_ends_it(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user,) = api.sign_up("ravi")
    own = Session(api, user)
    own.register("phone")
    clock = Clock()
    came_at = clock()
    monkeypatch.setitem(vars(api.aws), "now", clock)
    monkeypatch.setattr(SignIns, "require", lambda *_: clock.pass_seconds(5))
    monkeypatch.setattr(Accounts, "require_enabled", lambda *_: clock.pass_seconds(5))
    reply = own.ticket("phone")
    found = redeem(api.aws.tickets, reply.body["ticket"], clock())
    assert found == (user, "phone", int(came_at * 1000))


@pytest.mark.parametrize("how", ["password", "everywhere"])
def test_a_sign_in_without_a_device_ends_with_all_others(api: Rest, how: str) -> None:
    (user,) = api.sign_up("ravi")
    headers = {"authorization": f"Bearer {api.token(user, auth_time=int(time.time()) - 60)}"}
    assert api.request("GET", "/api/chats", headers=headers).status == 200
    if how == "password":
        assert change(api, user, PASSWORD, NEW).status == 200
    else:
        reply = Session(api, user).request("POST", "/api/sign-out", {"everywhere": True})
        assert reply.status == 200
    assert api.request("GET", "/api/chats", headers=headers).status == 401


# -- deleting


def test_a_deleted_account_is_gone_for_itself_and_for_others(api: Rest) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    own, peer = Session(api, ravi), Session(api, raju)
    own.register("phone")
    push = {"platform": "fcm", "token": f"token-of-{ravi}"}
    phone = Phone(ravi, "tablet")
    own.request("PUT", "/api/devices/tablet", phone.registration(push=push))
    keys = {"one_time_keys": phone.one_time_keys(range(3))}
    own.request("POST", "/api/devices/tablet/one-time-keys", keys)
    peer.register("phone")
    direct = own.request("POST", "/api/chats", {"kind": "direct", "with": raju}).body["chat"]
    body: dict[str, Any] = {"kind": "group", "members": [raju, zoe]}
    group = own.request("POST", "/api/chats", body).body["chat"]
    api.connect(Phone(ravi))
    notified = api.connect(Phone(raju))

    assert code(delete(api, ravi, "wrong Passw0rd!")) == (401, "unauthorized")
    assert delete(api, ravi).body == {"done": True}

    assert f"connection-of-{ravi}-phone" in api.gateway.closed
    for reply in (own.refresh(), own.request("GET", "/api/chats"), own.register("phone")):
        assert reply.status == 401
    assert sign_in(api, ravi).status == delete(api, ravi).status == 401
    left = [frame for frame in notified if frame["type"] == "devices_changed" and "chat" in frame]
    assert sorted(frame["chat"] for frame in left) == sorted([direct, group])
    assert all(frame["user"] == ravi for frame in left)
    chats = {
        each["chat"]: each["members"] for each in peer.request("GET", "/api/chats").body["chats"]
    }
    assert chats == {direct: [raju], group: sorted([raju, zoe])}
    for body in ({"kind": "direct", "with": ravi}, {"kind": "group", "members": [ravi]}):
        assert peer.request("POST", "/api/chats", body).status == 404
    listed = peer.request("GET", f"/api/users/{ravi}/devices").body
    assert listed["devices"] == {}
    assert [each["device"] for each in listed["former"]] == ["phone", "tablet"]  # to read by
    items = {item["item"].partition("#")[0] for item in api.aws.users.query_all({"user": ravi})}
    assert items == {"account", "former"}
    assert not client("sns").list_endpoints_by_platform_application(
        PlatformApplicationArn=api.aws.settings["FCM_APPLICATION_ARN"]
    )["Endpoints"]


@pytest.mark.parametrize("password", [PASSWORD, NEW])
def test_the_name_of_a_deleted_account_is_taken_for_ever(api: Rest, password: str) -> None:
    (user,) = api.sign_up("ravi")
    assert delete(api, user).body == {"done": True}
    body = {"username": user, "password": password}
    assert code(api.request("POST", "/api/sign-up", body)) == (409, "conflict")


def test_a_deletion_that_fails_or_runs_out_of_time_is_repeated_until_it_is_done(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    for _ in range(3):
        api.request("POST", "/api/chats", {"kind": "group", "members": [raju]}, user=ravi)
    begun = api.aws.now()
    ticks = iter(range(100))
    monkeypatch.setattr(type(api.aws), "now", lambda _: begun + 4 * next(ticks))
    assert delete(api, ravi).body == {"done": False}
    assert sign_in(api, ravi).status == 401  # it is closed from the first moment
    monkeypatch.undo()
    leave = Membership.leave
    monkeypatch.setattr(Membership, "leave", lambda *_: (_ for _ in ()).throw(OSError()))
    assert delete(api, ravi).status == 500
    monkeypatch.setattr(Membership, "leave", leave)
    assert delete(api, ravi).body == {"done": True}
    assert list(api.aws.users.query_all({"user": ravi}, prefix="chat#")) == []


# -- export


def test_the_export_has_every_item_of_the_user_in_pages(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(ravi)
    keys = {"one_time_keys": phone.one_time_keys(range(40))}
    api.request("POST", "/api/devices/phone/one-time-keys", keys, user=ravi)
    chat = api.request("POST", "/api/chats", {"kind": "direct", "with": raju}, user=ravi).body[
        "chat"
    ]
    found: list[Any] = []
    query: dict[str, str] = {}
    while True:
        page = api.request("GET", "/api/account", user=ravi, query=query).body
        found += page["items"]
        if "cursor" not in page:
            break
        query = {"cursor": page["cursor"]}
    stored = [item["item"] for item in api.aws.users.query_all({"user": ravi})]
    assert [each["item"]["item"] for each in found if each["table"] == "Users"] == stored
    assert len(stored) > 80
    (member,) = [each["item"] for each in found if each["table"] == "Chats"]
    assert (member["chat"], member["item"]) == (chat, f"member#{ravi}")
    wrong = {"cursor": "a b"}
    assert api.request("GET", "/api/account", user=ravi, query=wrong).status == 400


def test_nobody_exports_or_deletes_without_a_token_or_the_password(api: Rest) -> None:
    assert api.request("GET", "/api/account").status == 401
    assert delete(api, new_name("nobody")).status == 401
