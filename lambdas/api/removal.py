"""Removing a device: its sign-in, its pushes, its entry, its keys and its connection end."""

from collections.abc import Collection, Mapping

from lambdas.api import announce
from lambdas.api.sign_ins import SignIns
from lambdas.keys.directory import Directory
from lambdas.notifications.endpoints import Endpoints
from lambdas.presence.device_changes import DeviceChanges
from lambdas.presence.devices import Device, Devices
from lambdas.settings import Aws, Settings
from lambdas.tables import TransactionCancelled, pauses


def remove_device(
    aws: Aws, user: str, device: str, *, by: str, ending: Collection[str] = ()
) -> None:
    """Idempotent. The sign-in that registered the device ends, unless it is `by`, the caller's.

    It ends with the device's entry and keys, in one transaction: the keys are former ones from then
    on, a request to register the device again that is under way finds that the sign-in has ended,
    and one of another sign-in meanwhile is ended as well. `ending` has more sign-ins to end. What
    these have opened as other devices is closed.
    """
    endpoints(aws).detach(user, device)
    devices, sign_ins = Devices(aws.users), SignIns(aws.users)
    for pause in pauses():
        found, unannounced = DeviceChanges(aws.users).of(user)
        there = found.get(device)
        others = {there.sign_in} - {by} if there is not None else set()
        ended = {id for id in {*ending} | others if id}
        until = aws.now() + aws.settings.sign_in_seconds
        actions = [sign_ins.end_action(user, id, until) for id in sorted(ended)]
        if there is not None:
            actions.append(devices.remove_action(user, device, there))
        try:
            directory(aws).remove(user, device, actions)
        except TransactionCancelled:  # it has connected, was registered again, or has other keys
            pause()
            continue
        if there is not None:
            announce.leases_ended(aws, user, [there])
        if there is not None or unannounced is not None:
            announce.devices_changed(aws, user, device)
        # also where this request is a repeated one, and nothing was left to end
        _end_opened(aws, user, devices.reject_earlier_tickets(user, aws.now()) if ended else found)
        return


def _end_opened(aws: Aws, user: str, there: Mapping[str, Device]) -> None:
    """Ends the connections that sign-ins which have ended opened, as whichever device."""
    openers = {
        name: each.opened_by or each.sign_in for name, each in there.items() if each.connection_id
    }
    ended = SignIns(aws.users).ended(user, {id for id in openers.values() if id})
    opened = {name: there[name] for name, id in openers.items() if id in ended}
    for name, device in opened.items():
        if device.connection_id:
            Devices(aws.users).disconnect(user, name, device.connection_id, aws.now())
    announce.leases_ended(aws, user, opened.values())


def end_sign_ins(aws: Aws, user: str) -> None:
    """Ends all sign-ins of a user, and the connections of all devices, which stay registered.

    Tickets from before open no connection any more. A connection that can't be closed has lost its
    lease, so its frames are rejected.
    """
    devices, until = Devices(aws.users), aws.now() + aws.settings.sign_in_seconds
    SignIns(aws.users).end_all(user, aws.now())
    there = devices.reject_earlier_tickets(user, aws.now())
    for name, device in there.items():  # all of them before anything that takes long
        if device.sign_in:
            SignIns(aws.users).end(user, device.sign_in, until)
        if device.connection_id:
            devices.disconnect(user, name, device.connection_id, aws.now())
    announce.leases_ended(aws, user, there.values())


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
