"""Linking a new device: POST /api/links and what follows under its code.

The new device is not signed in: it offers its keys, and asks whether they were confirmed. The
signed-in one reads the offer, and leaves a message that only the new device can open.
"""

import re

from lambdas.api.accounts import limit_address
from lambdas.api.call import Call, Response
from lambdas.errors import ChatError, not_found
from lambdas.keys import signatures
from lambdas.keys.links import Link, Links
from lambdas.limits import LINKS, LINKS_OPENED, Limits

CODE = re.compile(r"[A-Z2-7]{32}")


def offer(call: Call) -> Response:
    """Idempotent, as long as the link is open: the response to the first may have been lost."""
    limit_address(call, "links", LINKS)
    body = call.body
    offered = {
        "curve25519": body["keys"]["curve25519"],
        "device": body["device"],
        "ed25519": body["keys"]["ed25519"],
        "label": body["label"],
        "one_time_key": body["one_time_key"],
    }
    for name in ("curve25519", "ed25519", "one_time_key"):
        signatures.decode(offered[name], signatures.KEY_BYTES, name)
    expires_in = Links(call.aws.users).offer(offered, call.came_at)
    if expires_in is None:
        raise ChatError("conflict", "these keys were offered before, and each link needs its own")
    return Response(201, {"expires_in": expires_in})


def offered(call: Call) -> Response:
    """For the device that is to confirm it."""
    Limits(call.aws.users, call.aws.now).take(call.user, "links", LINKS_OPENED)
    link = _existing(Links(call.aws.users).get(_code(call), call.came_at))
    if link.sealed is not None:
        raise used()
    keys = {name: link.offer[name] for name in ("curve25519", "ed25519")}
    rest = {name: link.offer[name] for name in ("device", "label", "one_time_key")}
    return Response(200, {**rest, "keys": keys, "expires_in": link.expires_in})


def confirm(call: Call) -> Response:
    """Only the first confirmation counts. A second one gets an error: somebody else has seen the
    code.

    Idempotent: the response to the first may have been lost.
    """
    Limits(call.aws.users, call.aws.now).take(call.user, "links", LINKS_OPENED)
    sealed = {"curve25519": call.body["curve25519"], "message": call.body["message"]}
    link = _existing(Links(call.aws.users).confirm(_code(call), sealed, call.came_at))
    if link.sealed != sealed:
        raise used()
    return Response(200, {"confirmed": True})


def confirmation(call: Call) -> Response:
    """For the new device, again and again: what is sealed can be opened by nobody else."""
    link = _existing(Links(call.aws.users).get(_code(call), call.came_at))
    return Response(200, {"expires_in": link.expires_in, **(link.sealed or {})})


def _code(call: Call) -> str:
    code = call.path["code"]
    if not CODE.fullmatch(code):
        raise unknown()
    return code


def _existing(link: Link | None) -> Link:
    if link is None:
        raise unknown()
    return link


def unknown() -> ChatError:
    return not_found("there is no such code, or it has expired")


def used() -> ChatError:
    return ChatError("conflict", "this code was used already")
