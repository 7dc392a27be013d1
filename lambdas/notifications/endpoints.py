"""SNS endpoints and Web Push subscriptions of devices, and the owner of each.

    Users  <user>              devices   ...devices.<device>.endpoint_arn, platform
    Users  push#<endpoint ARN> owner     held_by "user/device"
    Users  push#web:<hash>     owner     held_by, subscription {endpoint, p256dh, auth}

An endpoint is one push token of one application and never gets another token, so its ARN identifies
the phone. When another user signs in on that phone, the endpoint moves to the newest owner: one
write of `held_by`, and the last one wins. `devices` shows where to look, and a push is sent only if
`held_by` agrees. So even if two owners change at once, no user's push goes to the other's phone. A
browser's subscription, which SNS does not know, is owned in the same way, by the hash of its
endpoint.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from lambdas.errors import bad_request, internal, not_found
from lambdas.notifications import message
from lambdas.notifications.credentials import GONE, INVALID
from lambdas.notifications.message import Push, Target
from lambdas.notifications.push_service import Outcome, PushService
from lambdas.notifications.web_push import PLATFORM, Subscription, is_web
from lambdas.presence.devices import Devices
from lambdas.tables import (
    DEVICES,
    ConditionFailed,
    Key,
    Table,
    TransactionCancelled,
    transact,
    user_key,
)
from lambdas.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

OWNER = "owner"
# 32 to 100 bytes, in the form of the path of APNs' requests. Apple names no size ("APNs device
# tokens are of variable length. Do not hard-code their size"); those it gives have 32 bytes.
# developer.apple.com/documentation/uikit/uiapplicationdelegate, at
# application(_:didRegisterForRemoteNotificationsWithDeviceToken:)
# developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
# FCM's are opaque texts, of the letters that the schema allows:
# firebase.google.com/docs/cloud-messaging/manage-tokens
APNS_TOKEN = re.compile(r"(?:[0-9A-Fa-f]{2}){32,100}")
ATTEMPTS = 2
# docs.aws.amazon.com/sns/latest/dg/mobile-platform-endpoint.html reads the ARN the same way
TAKEN = re.compile(r"Endpoint (arn:\S+) already exists with the same Token")
# SNS's message is "PlatformApplication does not exist" (NotFound) without the application; messages
# about parameters contain their names (PlatformApplicationArn, TargetArn).
# github.com/getmoto/moto/blob/master/tests/test_sns/test_application_boto3.py, verified with AWS
NO_APPLICATION = "PlatformApplication"
NO_ENDPOINT = ("No endpoint found", "TargetArn", NO_APPLICATION)


class Owner(NamedTuple):
    """Whose an endpoint is, "user/device", and the subscription that it stands for, if it does."""

    held_by: str
    subscription: Subscription | None = None


class Endpoints:
    """Endpoints of devices. `applications` has the application's ARN by platform, whether or
    not there is one: a platform without a credential has none, and push is off for it.

    The push function publishes and never makes an endpoint: it needs no applications, and is the
    one that needs a `push_service`.
    """

    def __init__(
        self,
        sns: "SNSClient",
        users: Table,
        applications: Mapping[str, str] | None = None,
        push_service: Callable[[], PushService] | None = None,
    ) -> None:
        self._sns = sns
        self._users = users
        self._applications = applications or {}
        self._push_service = push_service

    def attach(self, user: str, device: str, platform: str, token: str) -> None:
        """Sets the device's push token, and removes it from the device that had it.

        If push is off for the platform, the device gets no pushes. Raises ChatError
        bad_request (the platform rejects the token), not_found (no such device).
        """
        for _ in range(ATTEMPTS):
            arn = self._endpoint(self._applications[platform], token)
            if arn is None:
                _log_off(platform)
                self.detach(user, device)
                return
            self._own(user, device, arn, platform)
            if self._enable(arn, token):
                return
        raise internal()  # deleted between two calls, twice; the client registers again

    def subscribe(self, user: str, device: str, subscription: Subscription) -> None:
        """Sets the device's Web Push subscription, and removes it from the device that had it.

        Raises ChatError not_found (no such device).
        """
        self._own(user, device, subscription.name, PLATFORM, subscription)

    def detach(self, user: str, device: str) -> None:
        """The device gets no pushes any more. Idempotent."""
        arn = self._set(user, device, None, None)
        if arn:
            self._release(user, device, arn)

    def clear(self, user: str, device: str, arn: str) -> None:
        """Removes an endpoint that is dead or another user's, unless it was replaced."""
        Devices(self._users).set_endpoint(user, device, None, None, instead_of=arn)
        if is_web(arn):
            self._release(user, device, arn)

    def owners(self, arns: Iterable[str]) -> dict[str, Owner]:
        """The owners, by endpoint ARN. Two devices may name the same one while it moves."""
        keys = [_owner(arn) for arn in dict.fromkeys(arns)]
        items = self._users.batch_get(keys, consistent=True)
        return {
            item["user"].removeprefix("push#"): Owner(
                item["held_by"],
                Subscription(**item["subscription"]) if "subscription" in item else None,
            )
            for item in items
        }

    def publish(self, target: Target, push: Push, owner: Owner) -> Outcome:
        """GONE if the endpoint does not exist or is disabled. Raises SNS's other errors, and
        PushServiceError."""
        if owner.subscription is None:
            return self._publish(target, push)
        if self._push_service is None:
            raise LookupError("this function sends no Web Push")
        return self._push_service().send(owner.subscription, push)

    def _publish(self, target: Target, push: Push) -> Outcome:
        try:
            self._sns.publish(
                TargetArn=target.arn,
                Message=message.sns_message(push),
                MessageStructure="json",
                MessageAttributes=message.message_attributes(push, target.platform),
            )
        except ClientError as error:
            details = error.response["Error"]
            if details["Code"] in GONE | {"EndpointDisabled", "EndpointDisabledException"}:
                return Outcome.GONE
            if details["Code"] in INVALID and any(
                text in details["Message"] for text in NO_ENDPOINT
            ):
                return Outcome.GONE
            raise
        return Outcome.DELIVERED

    def _endpoint(self, application: str, token: str) -> str | None:
        """None if there is no such application."""
        try:
            made = self._sns.create_platform_endpoint(
                PlatformApplicationArn=application, Token=token
            )
        except ClientError as error:
            details = error.response["Error"]
            if details["Code"] in GONE:
                return None
            if details["Code"] not in INVALID:
                raise
            if NO_APPLICATION in details["Message"]:
                return None
            taken = TAKEN.search(details["Message"])
            if taken is None:
                raise bad_request("the push platform rejects this token") from None
            return taken[1]
        return made["EndpointArn"]

    def _enable(self, arn: str, token: str) -> bool:
        """Enables the endpoint, which SNS disables when the platform rejects its token."""
        try:
            self._sns.set_endpoint_attributes(
                EndpointArn=arn, Attributes={"Token": token, "Enabled": "true"}
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return False  # its last owner has just deleted it
            raise
        return True

    def _own(
        self,
        user: str,
        device: str,
        arn: str,
        platform: str,
        subscription: Subscription | None = None,
    ) -> None:
        holder = f"{user}/{device}"
        expression, values = "SET held_by = :holder", dict[str, Any](holder=holder)
        if subscription is not None:
            expression += ", subscription = :subscription"
            values["subscription"] = subscription._asdict()
        previous = self._users.update(_owner(arn), expression, returns="ALL_OLD", **values)
        old = self._set(user, device, arn, platform)
        if previous and previous["held_by"] != holder:
            self._take_from(previous["held_by"], holder, arn)
        if old and old != arn:
            self._release(user, device, old)

    def _set(self, user: str, device: str, arn: str | None, platform: str | None) -> str | None:
        """Writes the endpoint into the device's entry; returns the ARN before."""
        values = {"arn": arn, "platform": platform} if arn else {}
        fields = "devices.#d.endpoint_arn", "devices.#d.platform"
        try:
            old = self._users.update(
                user_key(user, DEVICES),
                f"SET {fields[0]} = :arn, {fields[1]} = :platform"
                if arn
                else f"REMOVE {fields[0]}, {fields[1]}",
                "attribute_exists(devices.#d)",
                names={"#d": device},
                returns="ALL_OLD",
                **values,
            )
        except ConditionFailed:
            if arn is None:
                return None
            raise not_found(f"you have no device {device}") from None
        stood: str | None = old["devices"][device].get("endpoint_arn")
        return stood

    def _take_from(self, previous: str, holder: str, arn: str) -> None:
        """Removes the endpoint from its last owner, unless that one has taken it back already."""
        user, device = previous.split("/")
        taken = self._users.update_action(
            user_key(user, DEVICES),
            "REMOVE devices.#d.endpoint_arn, devices.#d.platform",
            "devices.#d.endpoint_arn = :arn",
            arn=arn,
        )
        taken["Update"]["ExpressionAttributeNames"] = {"#d": device}
        still = self._users.update_action(
            _owner(arn), "SET held_by = :holder", "held_by = :holder", holder=holder
        )
        try:
            transact(self._users, [still, taken])
        except TransactionCancelled as cancelled:
            # held_by decides; an ARN left in the previous owner's entry is cleared at its next push
            logger.info("an endpoint was not taken", extra={"reasons": list(cancelled.reasons)})

    def _release(self, user: str, device: str, arn: str) -> None:
        try:
            self._users.delete(_owner(arn), "held_by = :holder", holder=f"{user}/{device}")
        except ConditionFailed:
            return  # it belongs to another owner now
        if not is_web(arn):
            self._sns.delete_endpoint(EndpointArn=arn)


@lru_cache
def _log_off(platform: str) -> None:
    """Logs it once in each execution environment, not for each device."""
    logger.warning("push is off: SNS has no such application", extra={"platform": platform})


def require_token(platform: str, token: str) -> None:
    """Raises ChatError bad_request for a text that can be no token of the platform."""
    if platform != "fcm" and not APNS_TOKEN.fullmatch(token):
        raise bad_request("an APNs device token is an even number of 64 to 200 hexadecimal digits")


def _owner(arn: str) -> Key:
    return user_key(f"push#{arn}", OWNER)
