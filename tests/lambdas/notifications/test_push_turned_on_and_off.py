"""From a credential in a secret to a phone that is woken, and back: the API, SNS, the push function
and the custom resource, over one AWS."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from lambdas.delivery import push
from lambdas.notifications import endpoints, platform_applications
from lambdas.presence.devices import Devices
from lambdas.settings import WHILE_DEPLOYING, Aws
from tests.support.lambdas import unread
from tests.support.lambdas.platforms_scene import (
    FCM,
    Context,
    UnknownStack,
    change,
    properties,
    request,
)
from tests.support.lambdas.rest import REGION, Phone, Rest, client, rest, written_log

APPLICATIONS = {
    "FCM_APPLICATION_ARN": "app/GCM/switchboard-dev-fcm",
    "APNS_APPLICATION_ARN": "app/APNS/switchboard-dev-apns",
    "APNS_SANDBOX_APPLICATION_ARN": "app/APNS_SANDBOX/switchboard-dev-apns-sandbox",
}
OFF = "push is off"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rest]:
    """Without a credential, as after the first deployment."""
    endpoints._log_off.cache_clear()
    with rest() as api:
        arns = {
            variable: f"arn:aws:sns:{REGION}:{DEFAULT_ACCOUNT_ID}:{name}"
            for variable, name in APPLICATIONS.items()
        }
        deployed = api.deployed_with(**arns)
        monkeypatch.setattr(push, "invoked", lambda: deployed.aws)
        yield deployed


class Deployment:
    """The custom resource, with secrets that are empty at first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, api: Rest) -> None:
        function = Aws(api.aws.settings, WHILE_DEPLOYING)
        vars(function).update(
            sns=client("sns"), secrets=client("secretsmanager"), cloudformation=UnknownStack()
        )
        monkeypatch.setattr(platform_applications, "deployment_aws", lambda: function)
        monkeypatch.setattr(
            platform_applications, "respond", lambda _url, response: self._take(response)
        )
        self._properties = properties()
        self._send("Create", self._properties)

    def with_credential(self, value: Any) -> None:
        """Fills the secret, raises credentials_version, deploys."""
        change(self._properties["FcmSecretArn"], value)
        old = self._properties
        self._properties = {**old, "CredentialsVersion": str(int(old["CredentialsVersion"]) + 1)}
        self._send("Update", self._properties, old)

    def _send(self, kind: str, given: dict[str, str], old: Any = None) -> None:
        event = request("", kind, given, "switchboard-dev-platform-applications", old)
        platform_applications.handler(event, Context())

    @staticmethod
    def _take(response: dict[str, Any]) -> None:
        assert response["Status"] == "SUCCESS", response["Reason"]


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, api: Rest) -> Deployment:
    return Deployment(monkeypatch, api)


def register(api: Rest, user: str, token: str = "phone-1", platform: str = "fcm") -> str | None:
    """The endpoint that the device is woken on, after it registered its token."""
    api.phone(user, push={"platform": platform, "token": token})
    return Devices(api.aws.users).of([user])[user]["phone"].endpoint_arn


def woken(api: Rest, user: str) -> int:
    """How many messages SNS has for phones, after one more text; its job needs no second try."""
    unread.text(api.aws, user)
    assert push.handler({"Records": [unread.record(user)]}, None) == {"batchItemFailures": []}
    known = sns_backends[DEFAULT_ACCOUNT_ID][REGION].platform_endpoints.values()
    return sum(len(endpoint.messages) for endpoint in known)


def test_pushes_are_turned_on_and_off_and_on_again(api: Rest, deployment: Deployment) -> None:
    (ravi,) = api.sign_up("ravi")
    assert register(api, ravi) is None
    assert woken(api, ravi) == 0

    deployment.with_credential(FCM)
    assert woken(api, ravi) == 0  # the phone has to tell its token again
    first = register(api, ravi)
    assert first is not None
    assert woken(api, ravi) == 1

    deployment.with_credential({})
    assert woken(api, ravi) == 0
    assert Devices(api.aws.users).of([ravi])[ravi]["phone"].endpoint_arn is None
    assert register(api, ravi) is None

    deployment.with_credential(FCM)
    assert register(api, ravi) not in (None, first)
    assert woken(api, ravi) == 1


def test_a_device_that_registers_after_push_was_turned_off_is_detached(
    api: Rest, deployment: Deployment
) -> None:
    (ravi,) = api.sign_up("ravi")
    deployment.with_credential(FCM)
    assert register(api, ravi) is not None
    deployment.with_credential({})
    assert register(api, ravi, "phone-2") is None
    assert woken(api, ravi) == 0


def test_a_new_credential_keeps_the_phones_that_are_registered(
    api: Rest, deployment: Deployment
) -> None:
    (ravi,) = api.sign_up("ravi")
    deployment.with_credential(FCM)
    arn = register(api, ravi)
    deployment.with_credential({**FCM, "client_email": "new@switchboard.example"})
    assert woken(api, ravi) == 1
    assert register(api, ravi) == arn


def test_the_log_says_once_for_each_platform_that_push_is_off(
    api: Rest, deployment: Deployment
) -> None:
    people = api.sign_up(*"abcdef")
    with written_log() as log:
        for user in people:
            register(api, user)
        assert log.getvalue().count(OFF) == 1
        for user in people:
            register(api, user, "ab" * 32, "apns")
        assert log.getvalue().count(OFF) == 2
    line = next(json.loads(each) for each in log.getvalue().splitlines() if OFF in each)
    assert (line["level"], line["platform"]) == ("WARNING", "fcm")


@pytest.mark.parametrize(
    ("code", "message", "off"),
    [
        ("NotFound", "PlatformApplication does not exist", True),
        ("NotFoundException", "PlatformApplication does not exist", True),
        ("InvalidParameter", "Invalid parameter: PlatformApplicationArn Reason: x", True),
        ("InvalidParameter", "Invalid parameter: Token Reason: iOS device tokens are hex", False),
        ("AuthorizationError", "not authorized to perform: SNS:CreatePlatformEndpoint", False),
    ],
)
def test_only_an_application_that_is_not_there_means_that_push_is_off(
    api: Rest, monkeypatch: pytest.MonkeyPatch, code: str, message: str, off: bool
) -> None:
    class Sns:
        def create_platform_endpoint(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": code, "Message": message}}, "x")

    (ravi,) = api.sign_up("ravi")
    monkeypatch.setitem(vars(api.aws), "sns", Sns())
    given = Phone(ravi).registration(push={"platform": "fcm", "token": "t"})
    assert (api.request("PUT", "/api/devices/phone", given, user=ravi).status == 200) is off
