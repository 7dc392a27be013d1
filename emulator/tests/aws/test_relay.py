"""What is published to platform endpoints reaches FCM and APNs over the wire."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.functions.hosts import until
from tests.rows import rows

from emulator.addresses import Addresses
from emulator.aws import apns, fcm, relay
from emulator.aws.outcome import Outcome
from emulator.push.apns import ApnsServer
from emulator.push.apns_rules import Provider
from emulator.push.fcm import FcmServer, ServiceAccount
from emulator.push.phones import Phones, Push
from emulator.resources.clients import Clients
from emulator.runtime import push_credentials
from tests import aws_servers

ANDROID = {"data": {"message_id": "m1", "chat_id": "c1"}, "android": {"priority": "HIGH"}}
APPLE = {
    "aps": {"alert": {"loc-key": "NEW_MESSAGE"}, "mutable-content": 1},
    "message_id": "m1",
    "chat_id": "c1",
}
MESSAGE = json.dumps(
    {
        "default": "new message",
        "GCM": json.dumps({"fcmV1Message": {"message": ANDROID}}),
        "APNS": json.dumps(APPLE),
        "APNS_SANDBOX": json.dumps(APPLE),
    }
)
DEVICE = "ab" * 32


class Platforms:
    """SNS applications for the three platforms, and the phones behind them."""

    def __init__(
        self, clients: Clients, credentials: push_credentials.PushCredentials, phones: Phones
    ) -> None:
        self.sns: Any = clients("sns")
        self.phones = phones
        apple = {
            "PlatformCredential": credentials.signing_key,
            "PlatformPrincipal": push_credentials.KEY_ID,
            "ApplePlatformTeamID": push_credentials.TEAM_ID,
            "ApplePlatformBundleID": push_credentials.BUNDLE_ID,
        }
        self._attributes = {
            "GCM": {"PlatformCredential": credentials.service_account},
            "APNS": apple,
            "APNS_SANDBOX": apple,
        }

    def endpoint(self, platform: str, token: str, more: dict[str, str] | None = None) -> str:
        app = self.sns.create_platform_application(
            Name="app", Platform=platform, Attributes=self._attributes[platform] | (more or {})
        )
        made = self.sns.create_platform_endpoint(
            PlatformApplicationArn=app["PlatformApplicationArn"], Token=token
        )
        return str(made["EndpointArn"])

    async def publish(self, endpoint: str, **more: Any) -> None:
        request = {"TargetArn": endpoint, "Message": MESSAGE, "MessageStructure": "json"}
        await asyncio.to_thread(lambda: self.sns.publish(**{**request, **more}))

    async def received(self, token: str, count: int = 1) -> list[Push]:
        await until(lambda: len(self.phones.phone(token)) >= count)
        return self.phones.phone(token)

    def enabled(self, endpoint: str) -> str:
        found = self.sns.get_endpoint_attributes(EndpointArn=endpoint)
        return str(found["Attributes"]["Enabled"])


def run(directory: Path, scenario: Callable[[Platforms], Awaitable[None]]) -> None:
    async def main() -> None:
        phones = Phones(time.time)
        credentials = push_credentials.generate("http://127.0.0.1:1")
        account = json.loads(credentials.service_account)
        fcm_server = FcmServer(
            port=0,
            project=push_credentials.PROJECT,
            account=ServiceAccount(account["client_email"], credentials.service_account_public_key),
            phones=phones,
        )
        provider = Provider(
            push_credentials.KEY_ID,
            push_credentials.TEAM_ID,
            push_credentials.BUNDLE_ID,
            credentials.signing_public_key,
        )
        apns_server = ApnsServer(port=0, provider=provider, phones=phones)
        await fcm_server.start()
        await apns_server.start()
        account["token_uri"] = f"{fcm_server.url}/token"
        credentials = push_credentials.PushCredentials(
            json.dumps(account),
            credentials.service_account_public_key,
            credentials.signing_key,
            credentials.signing_public_key,
        )
        servers = {"fcm": fcm_server.url, "apns": apns_server.url, "logs": str(directory)}
        with aws_servers.running(**servers) as url:
            addresses = Addresses("us-east-1", url, "api", "ws://x", "http://x")
            try:
                await scenario(Platforms(Clients(addresses), credentials, phones))
            finally:
                await fcm_server.stop()
                await apns_server.stop()

    asyncio.run(main())


def test_pushes_reach_android_and_apple_phones(tmp_path: Path) -> None:
    async def scenario(platforms: Platforms) -> None:
        for platform, token in (
            ("GCM", "android-1"),
            ("APNS", DEVICE),
            ("APNS_SANDBOX", "cd" * 32),
        ):
            endpoint = platforms.endpoint(platform, token)
            for _ in range(2):
                await platforms.publish(endpoint)
            pushes = await platforms.received(token, 2)
            assert len(pushes) == 2
            assert pushes[0].message == (ANDROID if platform == "GCM" else APPLE)
        headers = platforms.phones.phone(DEVICE)[0].headers
        assert headers["apns-topic"] == push_credentials.BUNDLE_ID
        assert (headers["apns-push-type"], headers["apns-priority"]) == ("alert", "10")

    run(tmp_path, scenario)


def test_a_token_whose_app_is_gone_disables_its_endpoint(tmp_path: Path) -> None:
    async def scenario(platforms: Platforms) -> None:
        for platform, token in (("GCM", "android-2"), ("APNS", "ef" * 32)):
            endpoint = platforms.endpoint(platform, token)
            platforms.phones.uninstall(token)
            await platforms.publish(endpoint)
            await until(lambda endpoint=endpoint: platforms.enabled(endpoint) == "false")
            with pytest.raises(platforms.sns.exceptions.EndpointDisabledException):
                await platforms.publish(endpoint)
            assert platforms.phones.phone(token) == []

    run(tmp_path, scenario)


def test_the_response_of_a_platform_is_in_the_log_of_its_application(tmp_path: Path) -> None:
    async def scenario(platforms: Platforms) -> None:
        roles = {f"{kind}FeedbackRoleArn": "arn:role" for kind in ("Success", "Failure")}
        endpoint = platforms.endpoint("GCM", "android-3", roles)
        await platforms.publish(endpoint)
        await platforms.received("android-3", 1)
        platforms.phones.uninstall("android-3")
        await platforms.publish(endpoint)
        await until(lambda: platforms.enabled(endpoint) == "false")
        application = tmp_path / "sns" / "us-east-1" / "123456789012" / "app" / "GCM"
        files = [application / "app.log", application / "app" / "Failure.log"]
        await until(lambda: all(each.exists() and each.read_text() for each in files))
        taken, failed = (json.loads(each.read_text()) for each in files)
        codes = [each["delivery"]["statusCode"] for each in (taken, failed)]
        assert codes == [200, 404]
        assert [each["status"] for each in (taken, failed)] == ["SUCCESS", "FAILURE"]
        assert failed["delivery"]["destination"] == endpoint
        assert "UNREGISTERED" in failed["delivery"]["providerResponse"]

    run(tmp_path, scenario)


@rows(
    ("status", "body", "outcome"),
    [
        (200, "{}", Outcome.delivered),
        (404, {"details": [{"errorCode": "UNREGISTERED"}]}, Outcome.unregistered),
        (403, {"details": [{"errorCode": "SENDER_ID_MISMATCH"}]}, Outcome.unregistered),
        (
            400,
            {"details": [{"fieldViolations": [{"field": "message.token"}]}]},
            Outcome.unregistered,
        ),
        (400, {"message": "The registration token is not a valid one"}, Outcome.unregistered),
        (400, {"message": "Invalid value at 'message.android'"}, Outcome.rejected),
        (401, {}, Outcome.rejected),
        (403, "not json", Outcome.rejected),
        (429, {}, Outcome.try_again),
        (503, {}, Outcome.try_again),
    ],
)
def test_fcms_responses_mean_what_sns_takes_them_for(
    status: int, body: Any, outcome: Outcome
) -> None:
    text = body if isinstance(body, str) else json.dumps({"error": body})
    assert fcm.judge(status, text) is outcome


@rows(
    ("status", "body", "outcome"),
    [
        (200, "", Outcome.delivered),
        (410, '{"reason": "Unregistered"}', Outcome.unregistered),
        (400, '{"reason": "BadDeviceToken"}', Outcome.unregistered),
        (400, '{"reason": "DeviceTokenNotForTopic"}', Outcome.unregistered),
        (400, '{"reason": "PayloadEmpty"}', Outcome.rejected),
        (403, '{"reason": "InvalidProviderToken"}', Outcome.rejected),
        (413, "not json", Outcome.rejected),
        (429, '{"reason": "TooManyRequests"}', Outcome.try_again),
        (500, "", Outcome.try_again),
    ],
)
def test_apns_responses_mean_what_sns_takes_them_for(
    status: int, body: str, outcome: Outcome
) -> None:
    assert apns.judge(status, body) is outcome


def test_apns_headers_come_from_the_publish_or_from_the_payload() -> None:
    app = {"ApplePlatformBundleID": "com.example"}
    assert apns.headers(app, APPLE, {}, 100) == {
        "apns-topic": "com.example",
        "apns-push-type": "alert",
        "apns-priority": "10",
    }
    silent = {"aps": {"content-available": 1}}
    assert apns.headers(app, silent, {}, 100)["apns-push-type"] == "background"
    given = {
        f"AWS.SNS.MOBILE.APNS.{name}": {"Type": "String", "Value": value}
        for name, value in {
            "PUSH_TYPE": "background",
            "PRIORITY": "5",
            "TTL": "60",
            "COLLAPSE_ID": "c1",
            "TOPIC": "com.other",
        }.items()
    }
    assert apns.headers(app, APPLE, given, 100) == {
        "apns-topic": "com.other",
        "apns-push-type": "background",
        "apns-priority": "5",
        "apns-collapse-id": "c1",
        "apns-expiration": "160",
    }


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ('{"fcmV1Message": {"message": {"data": {"a": "b"}}}}', {"data": {"a": "b"}}),
        ('{"data": {"a": "b"}, "priority": "high"}', {"data": {"a": "b"}}),
        ("hello", {"data": {"default": "hello"}}),
    ],
)
def test_every_form_of_a_gcm_entry_becomes_a_v1_message(
    payload: str, message: dict[str, Any]
) -> None:
    assert relay.fcm_request(payload, "t")["message"] == message | {"token": "t"}
