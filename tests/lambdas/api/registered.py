"""A device over REST: its registration with a push token, its entry, and its SNS endpoint."""

from typing import Any

from lambdas.presence.devices import Device, Devices
from tests.support.lambdas.rest import Phone, Rest, client


def entry(api: Rest, phone: Phone) -> Device | None:
    return Devices(api.aws.users).of([phone.user])[phone.user].get(phone.device)


def arn_of(api: Rest, phone: Phone) -> str:
    device = entry(api, phone)
    assert device is not None
    assert device.endpoint_arn is not None
    return device.endpoint_arn


def put(api: Rest, phone: Phone, **push: Any) -> int:
    path = f"/api/devices/{phone.device}"
    return api.request("PUT", path, phone.registration(**push), user=phone.user).status


def fcm(token: str) -> dict[str, str]:
    return {"platform": "fcm", "token": token}


def endpoint(arn: str) -> dict[str, str]:
    sns = client("sns")
    return dict(sns.get_endpoint_attributes(EndpointArn=arn)["Attributes"])
