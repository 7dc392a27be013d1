"""Sign-ins that end when a device is removed, and how the device comes back."""

from typing import Any

import pytest

from lambdas.api import announce, sign_ins
from lambdas.api.call import SignIn
from lambdas.api.removal import end_sign_ins
from lambdas.errors import ChatError
from lambdas.limits import Limit
from lambdas.notifications.endpoints import Endpoints
from lambdas.presence.devices import OPENING_SECONDS, Devices
from tests.support.lambdas.browser import Browser
from tests.support.lambdas.rest import PASSWORD, Phone, Rest, client, new_name
from tests.support.lambdas.sessions import Session, opens


@pytest.fixture
def user(api: Rest) -> str:
    name = new_name("ravi")
    body = {"username": name, "password": PASSWORD}
    assert api.request("POST", "/api/sign-up", body).status == 201
    return name


def test_a_removed_devices_tokens_are_rejected_everywhere(api: Rest, user: str) -> None:
    stolen, own = Session(api, user), Session(api, user)
    assert stolen.register("phone").status == own.register("laptop").status == 200
    assert stolen.refresh().status == 200
    assert own.remove("phone").status == 204
    for reply in (
        stolen.register("phone"),
        stolen.register("another"),
        stolen.request("POST", "/api/tickets", {"device": "laptop"}),
        stolen.request("GET", "/api/chats"),
        stolen.remove("laptop"),
        stolen.refresh(),
    ):
        assert (reply.status, reply.body["error"]["code"]) == (401, "unauthorized")
    assert own.refresh().status == own.register("laptop").status == 200
    assert Devices(api.aws.users).of([user])[user].keys() == {"laptop"}
    (ended,) = api.aws.users.query_all({"user": user}, prefix="ended#")
    assert 0 < ended["expires_at"] - api.aws.now() <= api.aws.settings.sign_in_seconds


@pytest.mark.parametrize("registered", [False, True])
def test_what_a_removed_device_has_opened_as_another_one_is_closed(
    api: Rest, user: str, registered: bool
) -> None:
    stolen, own = Session(api, user), Session(api, user)
    assert stolen.register("laptop").status == own.register("phone").status == 200
    if registered:  # with the other one's keys or with new ones: it is the same user's
        assert stolen.register("phone").status == 200
    devices, frames = Devices(api.aws.users), api.gateway.received

    def connection_of_the_phone() -> str | None:
        return devices.of([user], consistent=True)[user]["phone"].connection_id

    used, kept = (stolen.ticket("phone").body["ticket"] for _ in range(2))
    frames["stolen"] = []
    assert opens(api, used, "stolen") == 200
    assert own.remove("laptop").status == 204
    assert connection_of_the_phone() is None and "stolen" in api.gateway.closed
    assert opens(api, kept, "stolen") == 403
    assert opens(api, own.ticket("phone").body["ticket"], "own") == 200
    assert own.remove("laptop").status == 204  # what the phone has opened itself stays
    assert connection_of_the_phone() == "own"


def test_what_a_device_that_stays_has_opened_as_another_one_stays(api: Rest, user: str) -> None:
    laptop, phone, tablet = (Session(api, user) for _ in range(3))
    for session, name in ((laptop, "laptop"), (phone, "phone"), (tablet, "tablet")):
        assert session.register(name).status == 200
    api.gateway.received["by-laptop"] = []
    assert opens(api, laptop.ticket("phone").body["ticket"], "by-laptop") == 200
    assert phone.remove("tablet").status == 204
    there = Devices(api.aws.users).of([user], consistent=True)[user]
    assert there["phone"].connection_id == "by-laptop"


def test_what_was_left_open_by_a_removal_that_was_broken_off_is_closed_by_the_next(
    api: Rest, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen, own = Session(api, user), Session(api, user)
    assert stolen.register("laptop").status == own.register("phone").status == 200
    api.gateway.received["stolen"] = []
    assert opens(api, stolen.ticket("phone").body["ticket"], "stolen") == 200

    def ends(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(announce, "devices_changed", ends)
        assert own.remove("laptop").status == 500
    assert own.remove("laptop").status == 204
    there = Devices(api.aws.users).of([user], consistent=True)[user]
    assert there["phone"].connection_id is None and "stolen" in api.gateway.closed


def test_a_token_got_from_cognito_itself_is_rejected_too(api: Rest, user: str) -> None:
    stolen, own = Session(api, user), Session(api, user)
    stolen.register("phone")
    own.remove("phone")
    fresh = client("cognito-idp").initiate_auth(
        ClientId=api.aws.settings["USER_POOL_CLIENT_ID"],
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": stolen.tokens["refresh_token"]},
    )["AuthenticationResult"]
    stolen.tokens["access_token"] = fresh["AccessToken"]
    assert stolen.register("phone").status == 401
    # the next use through our own route revokes it at Cognito as well
    assert stolen.refresh().status == 401
    with pytest.raises(client("cognito-idp").exceptions.NotAuthorizedException):
        client("cognito-idp").get_user(AccessToken=fresh["AccessToken"])


def test_with_the_password_a_removed_device_can_come_back(api: Rest, user: str) -> None:
    first, own = Session(api, user), Session(api, user)
    first.register("phone")
    own.remove("phone")
    assert Session(api, user).register("phone").status == 200


def test_removing_what_the_same_sign_in_registered_does_not_end_it(api: Rest, user: str) -> None:
    own = Session(api, user)
    own.register("old-name")
    own.register("laptop")
    assert own.remove("old-name").status == 204
    assert own.refresh().status == 200


def test_registering_again_names_the_newest_sign_in(api: Rest, user: str) -> None:
    before, now, own = (Session(api, user) for _ in range(3))
    before.register("phone")
    now.register("phone")
    own.remove("phone")
    assert now.refresh().status == 401
    assert before.refresh().status == 200


def test_a_registration_that_meets_the_removal_does_not_survive_it(
    api: Rest, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is let in, the device is removed, the request goes on."""
    stolen, own = Session(api, user), Session(api, user)
    stolen.register("phone")
    register = Devices.register

    def removed_meanwhile(self: Devices, *arguments: Any) -> bool:
        monkeypatch.undo()
        own.remove("phone")
        return register(self, *arguments)

    monkeypatch.setattr(Devices, "register", removed_meanwhile)
    assert stolen.register("phone").status == 401
    assert Devices(api.aws.users).of([user]) == {user: {}}


PUSHES = {
    "attach": {"push": {"platform": "fcm", "token": "a-token"}},
    "subscribe": {"web_push": Browser("https://fcm.googleapis.com/x").subscription._asdict()},
}


@pytest.mark.parametrize("how", PUSHES)
def test_what_pushes_go_to_does_not_stay_if_it_is_set_while_all_sign_ins_end(
    api: Rest, user: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    own = Session(api, user)
    own.register("phone")
    set_ = getattr(Endpoints, how)

    def ended_meanwhile(self: Endpoints, *arguments: Any) -> None:
        monkeypatch.undo()
        sign_ins.SignIns(api.aws.users).end_all(user, api.aws.now() + 1)
        set_(self, *arguments)

    monkeypatch.setattr(Endpoints, how, ended_meanwhile)
    body = Phone(user).registration(**PUSHES[how])
    assert own.request("PUT", "/api/devices/phone", body).status == 401
    assert Devices(api.aws.users).of([user])[user]["phone"].endpoint_arn is None


def test_a_connection_that_was_just_opening_is_closed_within_a_second(
    api: Rest, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """API Gateway calls it gone until $connect has returned."""
    thief, own = Session(api, user), Session(api, user)
    thief.register("phone")
    api.connect(Phone(user))
    frames = api.gateway.received.pop(f"connection-of-{user}-phone")
    waited: list[float] = []

    def opens_meanwhile(seconds: float) -> None:
        waited.append(seconds)
        if sum(waited) > 0.5:
            api.gateway.received[f"connection-of-{user}-phone"] = frames

    monkeypatch.setattr(type(api.aws), "sleep", lambda _self, seconds: opens_meanwhile(seconds))
    assert own.remove("phone").status == 204
    assert f"connection-of-{user}-phone" not in api.gateway.received
    assert 0.5 < sum(waited) < 1


def test_a_connection_that_is_long_gone_is_closed_once(
    api: Rest, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Session(api, user)
    own.register("phone")
    opened = int((api.aws.now() - OPENING_SECONDS - 1) * 1000)
    Devices(api.aws.users).connect(user, "phone", "long-gone", opened)
    monkeypatch.setattr(
        type(api.aws), "sleep", lambda *_: pytest.fail("there is nothing to wait for")
    )
    assert own.remove("phone").status == 204
    assert api.gateway.closed.count("long-gone") == 1


@pytest.mark.parametrize("how", ["removed", "signed out", "a new password"])
def test_what_is_kept_of_an_ended_sign_in_outlives_its_tokens(
    api: Rest, user: str, how: str
) -> None:
    days = 90  # here tokens live longer than messages
    deployed = api.deployed_with(SIGN_IN_SECONDS=str(days * 86_400))
    other, own = Session(deployed, user), Session(deployed, user)
    other.register("phone")
    if how == "removed":
        own.remove("phone")
    elif how == "signed out":
        assert other.request("POST", "/api/sign-out", {"everywhere": False}).status == 200
    else:
        body = {"username": user, "password": PASSWORD, "new_password": f"{PASSWORD} 2"}
        assert deployed.request("POST", "/api/password", body).status == 200
    (ended,) = api.aws.users.query_all({"user": user}, prefix="ended#")
    assert ended["expires_at"] >= int(api.aws.now()) + days * 86_400 - 5


def test_a_sign_in_of_the_very_second_in_which_all_ended_is_a_new_one(api: Rest, user: str) -> None:
    ended = sign_ins.SignIns(api.aws.users)
    ended.end_all(user, 1_000.9)
    ended.require(SignIn(user, "id", 1_000, ""))
    with pytest.raises(ChatError, match="has ended"):
        ended.require(SignIn(user, "id", 999, ""))


def test_all_devices_have_lost_their_leases_before_the_first_connection_is_closed(
    api: Rest, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing takes seconds where a connection has just opened or hangs, and the function may end."""
    devices = Devices(api.aws.users)
    phones = [api.phone(user, name) for name in ("phone", "laptop", "tablet")]
    for phone in phones:
        api.connect(phone)
    left: list[list[str | None]] = []

    def closing(_aws: Any, _device: Any) -> None:
        held = devices.of([user], consistent=True)[user]
        left.append([each.connection_id for each in held.values() if each.connection_id])

    monkeypatch.setattr(announce, "close", closing)
    end_sign_ins(api.aws, user)
    assert left == [[], [], []]


@pytest.mark.parametrize(
    ("limit", "request_"),
    [
        ("app.REQUESTS", ("GET", "/api/settings")),
        ("accounts.TICKETS", ("POST", "/api/tickets", {"device": "laptop"})),
    ],
)
def test_a_sign_in_that_floods_hinders_no_other_one_to_end_it(
    api: Rest, user: str, monkeypatch: pytest.MonkeyPatch, limit: str, request_: Any
) -> None:
    stolen, own = Session(api, user), Session(api, user)
    stolen.register("phone")
    own.register("laptop")
    monkeypatch.setattr("lambdas.limits.SAMPLE", 1)
    monkeypatch.setattr(f"lambdas.api.{limit}", Limit(3, 600, "too many"))
    while stolen.request(*request_).status < 300:
        pass
    assert stolen.request(*request_).status == 429
    assert own.request(*request_).status < 300
    assert own.remove("phone").status == 204
    assert stolen.request(*request_).status == 401
