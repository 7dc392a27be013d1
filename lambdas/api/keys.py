"""One-time keys: POST /api/devices/{device}/one-time-keys and POST /api/keys/claim."""

from lambdas.api import announce
from lambdas.api.call import Call, Response
from lambdas.errors import ChatError, not_found
from lambdas.frames import Frame
from lambdas.keys import decisions
from lambdas.keys.directory import Directory
from lambdas.limits import CLAIMS, CLAIMS_BY_ONE, Limit, Limits
from lambdas.presence.devices import Devices
from lambdas.telemetry import logger


def upload(call: Call) -> Response:
    user, device = call.user, call.device
    directory = Directory(call.aws.users)
    identity = directory.get(user, [device]).get(device)
    if identity is None:
        raise not_found(f"you have no device {device}")
    signer = identity.ed25519
    keys = decisions.one_time_keys(user, device, signer, call.body)
    fallback = decisions.fallback_key(user, device, signer, call.body)
    remaining = directory.upload(user, device, signer, keys, fallback)
    used = directory.fallback_used(user, device)
    return Response(200, {"remaining": remaining, "fallback_used": used})


def claim(call: Call) -> Response:
    """A key of each device: over the limit of one-time keys it is the fallback key.

    Left out: devices that are not registered, of which nothing is counted, because anybody could
    fill another user's items with counters; and those without keys, or with an error. An error of
    one device does not lose the keys claimed of the others; it is raised, as ChatError, if no key
    was claimed.
    """
    directory = Directory(call.aws.users)
    limits = Limits(call.aws.users, call.aws.now)
    claimed: Frame = {}
    low: dict[str, Frame] = {}
    failure: ChatError | None = None
    addresses = [address.split("/") for address in call.body["devices"]]
    registered = Devices(call.aws.users).of((user for user, _ in addresses), consistent=True)
    for user, device in addresses:
        if device not in registered.get(user, ()):
            continue
        address = f"{user}/{device}"
        by_all, by_one = f"claims#{device}", f"claims#{address}"
        try:
            # by all claimers together of another user's device, and by this one
            kept = user == call.user or _counted(limits, user, by_all, CLAIMS)
            kept = _counted(limits, call.user, by_one, CLAIMS_BY_ONE) and kept
            key = directory.claim(user, device, one_time=kept)
        except ChatError as error:
            failure = error
            continue
        if key is None:
            continue
        claimed[address] = key.as_protocol()
        frame = decisions.keys_low(key)
        if frame is not None:
            low[address] = frame
    if failure is not None and not claimed:
        raise failure
    announce.keys_low(call.aws, low)
    return Response(200, {"keys": claimed})


def _counted(limits: Limits, owner: str, name: str, limit: Limit) -> bool:
    """Counts a claim, False over the limit. Fails closed: else a fault would empty the stock."""
    try:
        return limits.wait(owner, name, limit) is None
    except Exception:
        logger.exception("could not count a claim")
        return False
