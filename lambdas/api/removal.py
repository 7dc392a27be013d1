"""Removing a device: its sign-in, its pushes, its entry, its keys and its connection end."""

from lambdas.api import announce
from lambdas.api.sign_ins import SignIns
from lambdas.keys.directory import Directory
from lambdas.notifications.endpoints import Endpoints
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, Settings


def remove_device(aws: Aws, user: str, device: str, *, by: str) -> None:
    """Idempotent. The sign-in that registered the device ends, unless it is `by`, the caller's.

    It ends first: a request to register the device again that is under way meanwhile finds that.
    """
    devices = Devices(aws.users)
    there = devices.of([user], consistent=True).get(user, {}).get(device)
    if there is not None and there.sign_in and there.sign_in != by:
        SignIns(aws.users).end(user, there.sign_in, aws.now())
    endpoints(aws).detach(user, device)
    # before the entry goes: who deletes an account asks again for the devices that have one, and
    # without their keys as former ones nobody could check what they have sent
    directory(aws).remove(user, device)
    removed = devices.remove(user, device)
    if removed is not None:
        announce.lease_ended(aws, user, removed)
        announce.devices_changed(aws, user, device)


def end_sign_ins(aws: Aws, user: str) -> None:
    """Ends all sign-ins of a user, and the connections of all devices, which stay registered.

    So does every connection that a ticket from before would still open. A connection that can't be
    closed has lost its lease, so that its frames do nothing.
    """
    devices = Devices(aws.users)
    SignIns(aws.users).end_all(user, aws.now())
    for name, device in devices.reject_earlier_tickets(user, aws.now()).items():
        if device.sign_in:
            SignIns(aws.users).end(user, device.sign_in, aws.now())
        if device.connection_id:
            devices.disconnect(user, name, device.connection_id, aws.now())
            announce.lease_ended(aws, user, device)


def directory(aws: Aws) -> Directory:
    """Keys of what is removed are listed as long as the messages that it has sent."""
    return Directory(aws.users, clock=aws.now, message_seconds=aws.settings.message_ttl_seconds)


def endpoints(aws: Aws) -> Endpoints:
    return Endpoints(aws.sns, aws.users, applications(aws.settings))


def applications(settings: Settings) -> dict[str, str]:
    """The ARN of the SNS platform application by platform; some may not exist."""
    return {
        "fcm": settings["FCM_APPLICATION_ARN"],
        "apns": settings["APNS_APPLICATION_ARN"],
        "apns_sandbox": settings["APNS_SANDBOX_APPLICATION_ARN"],
    }
