"""Devices: PUT and DELETE /api/devices/{device}, GET /api/devices, /api/users/{user}/devices and
/api/web-push-key."""

from collections.abc import Mapping

from lambdas.api import announce
from lambdas.api.call import USER, Call, Response
from lambdas.api.removal import directory, endpoints, remove_device
from lambdas.api.sign_ins import SignIns
from lambdas.errors import ChatError, bad_request, not_found
from lambdas.frames import Frame
from lambdas.keys.decisions import device_keys
from lambdas.keys.directory import Change
from lambdas.limits import LOOKUPS, REGISTRATIONS, Limits
from lambdas.messages.chats import Chats, Names
from lambdas.messages.membership import CHAT_DEVICES_LIMIT
from lambdas.notifications.endpoints import require_token
from lambdas.notifications.push_service import vapid_key
from lambdas.notifications.web_push import Subscription, require_subscription
from lambdas.presence.device_changes import DeviceChanges
from lambdas.presence.devices import DEVICES_LIMIT, Device, Devices


def register(call: Call) -> Response:
    """Registers a device, or updates it. With neither `push` nor `web_push` it gets no pushes."""
    user, device = call.user, call.device
    keys = device_keys(user, device, call.body)
    _require_push(call)
    devices, changes = Devices(call.aws.users), DeviceChanges(call.aws.users)
    known, unannounced = changes.of(user)

    def count_registration() -> None:
        Limits(call.aws.users, call.aws.now).take(user, "devices", REGISTRATIONS)

    if not known:
        devices.create_user(user)  # who was created in the user pool itself
    if device not in known:
        replaced = _replaced(call, known)  # first: what is rejected does not count
        count_registration()
        if replaced is not None:
            remove_device(call.aws, user, replaced, by=call.by.id)
    # keys first: a registered device always has keys

    def changing() -> None:
        if device in known:
            count_registration()

    stored = user, device, keys, call.body.get("label")
    counted = [changes.count_action(user)]
    change = directory(call.aws).put(*stored, changing, counted, registered=device in known)
    try:
        new = devices.register(user, device, call.aws.now(), call.by.id)
        if new:  # a removal at the same time may have deleted the keys meanwhile
            directory(call.aws).put(*stored, also=counted)
        SignIns(call.aws.users).require(call.by)
    except ChatError as error:
        # the sign-in has ended meanwhile, perhaps with this device, or the account was deleted
        if error.code != "conflict":  # no place for this device
            remove_device(call.aws, user, device, by=call.by.id)
        raise
    # also a change whose own request ended before it announced it
    if new or change is not Change.SAME or unannounced is not None:
        announce.devices_changed(call.aws, user, device)
    _set_push(call, user, device, was_on=device in known and known[device].endpoint_arn is not None)
    if _pushed_to(call):
        _require_still_signed_in(call, device)
    return Response(200, {"device": device, "time": int(call.aws.now() * 1000)})


def _pushed_to(call: Call) -> bool:
    return "push" in call.body or "web_push" in call.body


def _require_push(call: Call) -> None:
    """Raises ChatError bad_request for a token or subscription that no platform gives out."""
    if push := call.body.get("push"):
        require_token(push["platform"], push["token"])
    if subscription := call.body.get("web_push"):
        local = call.aws.settings.get("EMULATOR_WEB_PUSH_URL")
        require_subscription(_subscription(subscription), local)
        if push:
            raise bad_request("a device has push or web_push, not both")


def _subscription(given: Frame) -> Subscription:
    return Subscription(given["endpoint"], given["p256dh"], given["auth"])


def web_push_key(call: Call) -> Response:
    return Response(200, {"key": vapid_key(call.aws).public()})


def _require_still_signed_in(call: Call, device: str) -> None:
    """Removes a push token that was set while all sign-ins were being ended."""
    try:
        SignIns(call.aws.users).require(call.by)
    except ChatError:
        endpoints(call.aws).detach(call.user, device)
        raise


def _in_full_chat(call: Call) -> bool:
    """Whether a chat of the user has as many devices as it may have."""
    counts: dict[str, int] = {}  # by user
    for chat in Chats(call.aws.chats, call.aws.users).all_of(call.user):
        members: Names = chat["members"]
        if len(members) * DEVICES_LIMIT <= CHAT_DEVICES_LIMIT:
            continue
        unknown = [user for user in members if user not in counts]
        found = Devices(call.aws.users).of(unknown)
        counts |= {user: len(found.get(user, ())) for user in unknown}
        if sum(counts[user] for user in members) >= CHAT_DEVICES_LIMIT:
            return True
    return False


def _replaced(call: Call, known: Mapping[str, Device]) -> str | None:
    """The device whose place a new one takes, the one not seen for longest; None if there is room.

    Lost devices never block a new one. Raises ChatError conflict if all are connected.
    """
    if len(known) >= DEVICES_LIMIT:
        reason = f"a user has at most {DEVICES_LIMIT} devices"
    elif _in_full_chat(call):
        reason = f"a group of yours has {CHAT_DEVICES_LIMIT:,} devices"
    else:
        return None
    away = [device for device in known if not known[device].connected(call.aws.now())]
    if not away:
        raise ChatError("conflict", f"{reason}; remove one first")
    return min(away, key=lambda device: (known[device].seen, device))


def remove(call: Call) -> Response:
    remove_device(call.aws, call.user, call.device, by=call.by.id)
    return Response(204)


def own(call: Call) -> Response:
    """The caller's devices with their names and when they were last seen, which others are not
    shown.
    """
    now = call.aws.now()
    registered = Devices(call.aws.users).of([call.user]).get(call.user, {})
    labels = directory(call.aws).labels(call.user, registered)
    devices = [
        {
            "device": device,
            **({"label": labels[device]} if device in labels else {}),
            "connected": found.connected(now),
            "seen": found.seen,
        }
        for device, found in sorted(registered.items())
    ]
    return Response(200, {"devices": devices})


def of_user(call: Call) -> Response:
    """The user's devices, and former ones. A deleted user has former ones as long as messages."""
    user = call.path["user"]
    if user != call.user:
        Limits(call.aws.users, call.aws.now).take(call.user, "lookups", LOOKUPS)
    known = USER.fullmatch(user) is not None
    registered = Devices(call.aws.users).of([user]).get(user) if known else None
    former = directory(call.aws).former(user) if known else []
    if registered is None and not former:
        raise not_found("there is no such user")
    keys = directory(call.aws).get(user, registered or {})
    now = {device: each._replace(introduction=None) for device, each in keys.items()}
    return Response(
        200,
        {
            "devices": {device: keys[device].as_protocol() for device in sorted(keys)},
            # a device that has come back with the same keys is none of the former ones
            "former": [each.as_protocol() for each in former if each.keys != now.get(each.device)],
        },
    )


def _set_push(call: Call, user: str, device: str, *, was_on: bool) -> None:
    push, subscription = call.body.get("push"), call.body.get("web_push")
    if push is not None:
        endpoints(call.aws).attach(user, device, push["platform"], push["token"])
    elif subscription is not None:
        endpoints(call.aws).subscribe(user, device, _subscription(subscription))
    elif was_on:
        endpoints(call.aws).detach(user, device)
