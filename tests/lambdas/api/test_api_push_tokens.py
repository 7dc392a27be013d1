"""Push tokens over REST: the SNS endpoint of a device, and whose it is."""

import pytest

from lambdas.notifications import endpoints
from lambdas.presence.devices import Devices
from tests.lambdas.api.registered import arn_of, endpoint, entry, fcm, put
from tests.support.lambdas.rest import Phone, Rest, client, written_log


def has_no_endpoint(api: Rest, phone: Phone) -> bool:
    device = entry(api, phone)
    return device is not None and device.endpoint_arn is None and device.platform is None


def test_a_push_token_becomes_an_endpoint(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    phone = api.phone(ravi, push=fcm(f"token-of-{ravi}"))
    device = entry(api, phone)
    assert device is not None
    assert device.platform == "fcm"
    attributes = endpoint(arn_of(api, phone))
    assert attributes["Token"] == f"token-of-{ravi}"
    assert "CustomUserData" not in attributes or not attributes["CustomUserData"]


@pytest.mark.sampled
@pytest.mark.parametrize("platform", ["apns", "apns_sandbox"])
@pytest.mark.parametrize(
    ("token", "status"),
    [("ab" * 32, 200), ("AB12" * 50, 200)]
    + [
        (token, 400)
        for token in ("abc", "ab" * 31, "ab" * 32 + "a", "ab" * 101, "g" * 64, "a:" * 32)
    ],
)
def test_a_token_that_apns_can_not_have_is_rejected_before_anything_is_stored(
    api: Rest, platform: str, token: str, status: int
) -> None:
    (ravi,) = api.sign_up("ravi")
    phone = Phone(ravi)
    assert put(api, phone, push={"platform": platform, "token": token}) == status
    assert (entry(api, phone) is None) == (status == 400)


def test_the_raw_token_is_stored_nowhere_but_in_sns(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    token = f"token-of-{ravi}"
    with written_log() as log:
        api.phone(ravi, push=fcm(token))
    dynamodb = client("dynamodb")
    assert token not in str(dynamodb.scan(TableName="Users")["Items"])
    assert token not in log.getvalue()


def test_a_token_that_was_disabled_works_again_when_it_is_registered_again(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    push = fcm(f"token-of-{ravi}")
    phone = api.phone(ravi, push=push)
    arn = arn_of(api, phone)
    sns = client("sns")
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    assert put(api, phone, push=push) == 200
    assert arn_of(api, phone) == arn
    assert endpoint(arn)["Enabled"] == "true"


def test_a_token_moves_to_its_newest_owner(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    push = fcm(f"token-of-{ravi}")
    old, new = api.phone(ravi, push=push), api.phone(raju, push=push)
    device = entry(api, old)
    assert device is not None and device.endpoint_arn is None
    arn = arn_of(api, new)
    assert endpoint(arn)["Token"] == push["token"]
    # what the old owner does now leaves the new one alone
    assert put(api, old) == 200
    api.request("DELETE", "/api/devices/phone", user=ravi)
    assert endpoint(arn)["Enabled"] == "true"
    assert arn_of(api, new) == arn


def test_a_device_that_names_an_endpoint_of_another_one_takes_nothing_from_it(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    push = fcm(f"token-of-{ravi}")
    old, new = api.phone(ravi, push=push), api.phone(raju, push=push)
    arn = arn_of(api, new)
    # as if a registration of the old owner's had ended on its way
    Devices(api.aws.users).set_endpoint(ravi, "phone", arn, "fcm")
    assert put(api, old) == 200
    sns = api.aws.sns
    assert endpoints.Endpoints(sns, api.aws.users).owners([arn])[arn].held_by == new.address
    assert endpoint(arn)["Enabled"] == "true"


def test_a_token_may_go_there_and_back_and_to_another_device_of_the_user(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    push = fcm(f"token-of-{ravi}")
    first = api.phone(ravi, push=push)
    other = api.phone(raju, push=push)
    assert put(api, first, push=push) == 200
    assert has_no_endpoint(api, other)
    second = api.phone(ravi, "second", push=push)
    assert has_no_endpoint(api, first)
    assert arn_of(api, second)


@pytest.mark.parametrize("registers", ["the same", "another"])
def test_a_token_that_the_last_owner_registers_meanwhile_stays_there(
    api: Rest, monkeypatch: pytest.MonkeyPatch, registers: str
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    push = fcm(f"token-of-{ravi}")
    newest = push if registers == "the same" else fcm(f"another-of-{ravi}")
    old, new = api.phone(ravi, push=push), api.phone(raju)
    take = endpoints.Endpoints._take_from

    def back_meanwhile(self: endpoints.Endpoints, *arguments: str) -> None:
        monkeypatch.undo()
        assert put(api, old, push=newest) == 200
        take(self, *arguments)

    monkeypatch.setattr(endpoints.Endpoints, "_take_from", back_meanwhile)
    assert put(api, new, push=push) == 200
    assert endpoint(arn_of(api, old))["Token"] == newest["token"]


def test_an_endpoint_that_its_last_owner_deletes_meanwhile_is_made_again(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ravi,) = api.sign_up("ravi")
    enable = endpoints.Endpoints._enable

    def deleted_meanwhile(self: endpoints.Endpoints, arn: str, token: str) -> bool:
        monkeypatch.undo()
        client("sns").delete_endpoint(EndpointArn=arn)
        return enable(self, arn, token)

    monkeypatch.setattr(endpoints.Endpoints, "_enable", deleted_meanwhile)
    phone = api.phone(ravi, push=fcm(f"token-of-{ravi}"))
    assert endpoint(arn_of(api, phone))["Enabled"] == "true"
    monkeypatch.setattr(endpoints.Endpoints, "_enable", lambda *_: False)
    assert put(api, phone, push=fcm(f"token-of-{ravi}")) == 500, "the client tries again"


def test_a_new_token_replaces_the_old_one(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    phone = api.phone(ravi, push=fcm(f"first-of-{ravi}"))
    first = arn_of(api, phone)
    assert put(api, phone, push=fcm(f"second-of-{ravi}")) == 200
    assert endpoint(arn_of(api, phone))["Token"] == f"second-of-{ravi}"
    with pytest.raises(client("sns").exceptions.NotFoundException):
        endpoint(first)


def test_registering_without_a_token_turns_push_off(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    phone = api.phone(ravi, push=fcm(f"token-of-{ravi}"))
    assert put(api, phone) == 200
    assert has_no_endpoint(api, phone)


def test_on_a_platform_that_is_not_configured_push_is_off_and_the_log_says_so(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    endpoints._log_off.cache_clear()  # it is logged once in a process
    with written_log() as log:
        phone = api.phone(ravi, push={"platform": "apns_sandbox", "token": "ab" * 32})
    assert has_no_endpoint(api, phone)
    assert "push is off" in log.getvalue()
