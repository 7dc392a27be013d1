"""One-time keys: POST /api/devices/{device}/one-time-keys and POST /api/keys/claim."""

from lambdas.api import announce
from lambdas.api.call import Call, Response
from lambdas.errors import ChatError, not_found
from lambdas.frames import Frame
from lambdas.keys import decisions
from lambdas.keys.directory import Directory
from lambdas.keys.limit import ClaimLimit
from lambdas.limits import CLAIMS, Limits


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

    Left out: devices without keys, or with an error. An error of one device does not lose the keys
    claimed of the others; it is raised, as ChatError, if no key was claimed.
    """
    directory = Directory(call.aws.users)
    targets = Limits(call.aws.users, call.aws.now)
    limit = ClaimLimit(call.aws.users, call.aws.now)
    claimed: Frame = {}
    low: dict[str, Frame] = {}
    failure: ChatError | None = None
    for address in call.body["devices"]:
        user, _, device = address.partition("/")
        # over the limit of all claimers together the fallback key is the answer: the stock is kept
        wait = targets.wait(user, f"claims#{device}", CLAIMS) if user != call.user else None
        try:
            kept = limit.allows(call.user, address)
            key = directory.claim(user, device, one_time=kept and wait is None)
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
