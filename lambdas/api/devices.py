"""Devices: PUT and DELETE /api/devices/{device}, GET /api/users/{user}/devices."""

from lambdas.api import announce
from lambdas.api.call import USER, Call, Response
from lambdas.errors import ChatError, not_found
from lambdas.keys.decisions import device_keys
from lambdas.keys.directory import Change, Directory
from lambdas.limits import LOOKUPS, Limits
from lambdas.notifications.endpoints import Endpoints
from lambdas.presence.devices import DEVICES_LIMIT, Devices
from lambdas.settings import Settings


def register(call: Call) -> Response:
    """Registers a device, or updates it. Without `push` it gets no pushes any more."""
    user, device = call.user, call.device
    keys = device_keys(user, device, call.body)
    devices = Devices(call.aws.users)
    known = devices.of([user]).get(user, {})
    if device not in known and len(known) >= DEVICES_LIMIT:
        raise ChatError("conflict", f"a user has at most {DEVICES_LIMIT} devices; remove one first")
    # keys first: a registered device always has keys
    change = Directory(call.aws.users).put(user, device, keys)
    new = devices.register(user, device)
    if new or change is not Change.SAME:
        announce.devices_changed(call.aws, user, device)
    _set_push(call, user, device, was_on=device in known and known[device].endpoint_arn is not None)
    return Response(200, {"device": device})


def remove(call: Call) -> Response:
    """Removes a device and everything stored for it. Idempotent."""
    user, device = call.user, call.device
    _endpoints(call).detach(user, device)
    removed = Devices(call.aws.users).remove(user, device)
    Directory(call.aws.users).remove(user, device)
    if removed is not None:
        if removed.connection_id:
            announce.device_removed(call.aws, user, removed.connection_id)
        announce.devices_changed(call.aws, user, device)
    return Response(204)


def of_user(call: Call) -> Response:
    user = call.path["user"]
    if user != call.user:
        Limits(call.aws.users, call.aws.now).take(call.user, "lookups", LOOKUPS)
    registered = Devices(call.aws.users).of([user]).get(user) if USER.fullmatch(user) else None
    if registered is None:
        raise not_found("there is no such user")
    keys = Directory(call.aws.users).get(user, registered)
    return Response(
        200, {"devices": {device: keys[device].as_protocol() for device in sorted(keys)}}
    )


def _set_push(call: Call, user: str, device: str, *, was_on: bool) -> None:
    push = call.body.get("push")
    if push is not None:
        _endpoints(call).attach(user, device, push["platform"], push["token"])
    elif was_on:
        _endpoints(call).detach(user, device)


def _endpoints(call: Call) -> Endpoints:
    return Endpoints(call.aws.sns, call.aws.users, applications(call.aws.settings))


def applications(settings: Settings) -> dict[str, str]:
    """The ARN of the SNS platform application by platform; some may not exist."""
    return {
        "fcm": settings["FCM_APPLICATION_ARN"],
        "apns": settings["APNS_APPLICATION_ARN"],
        "apns_sandbox": settings["APNS_SANDBOX_APPLICATION_ARN"],
    }
