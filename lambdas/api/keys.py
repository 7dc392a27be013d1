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
    return Response(200, {"remaining": remaining})


def claim(call: Call) -> Response:
    """A key of each device. Left out: devices without keys, over the limit, or with an error.

    An error of one device does not lose the keys claimed of the others. Raises ChatError if no key
    was claimed: rate_limited, or the error.
    """
    directory = Directory(call.aws.users)
    targets = Limits(call.aws.users, call.aws.now)
    limit = ClaimLimit(call.aws.users, call.aws.now)
    allowed = [each for each in call.body["devices"] if limit.allows(call.user, each)]
    if not allowed:
        raise ChatError("rate_limited", "too many keys of these devices were claimed; try later")
    claimed: Frame = {}
    low: dict[str, Frame] = {}
    failure: ChatError | None = None
    for address in allowed:
        user, _, device = address.partition("/")
        # over the limit of all claimers together the fallback key is the answer: the stock is kept
        wait = targets.wait(user, f"claims#{device}", CLAIMS) if user != call.user else None
        try:
            key = directory.claim(user, device, wait is None)
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
