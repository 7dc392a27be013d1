"""The HTTP API as a client of the model calls it, and the keys of the model's devices."""

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lambdas.api.app import create_app
from lambdas.api.auth import AccessTokens
from lambdas.api.call import SignIn
from lambdas.api.routes import ROUTES
from lambdas.frames import Frame
from lambdas.keys import signatures
from lambdas.settings import Aws
from tests.support.backend.backend import run_at_once

NO_PAGE = Path(__file__).parent
KEYS_AT_ONCE = 3


class Answer(NamedTuple):
    status: int
    body: Any


class Tokens(AccessTokens):
    """Takes `user/sign-in` for an access token: what a token needs is tested elsewhere."""

    def __init__(self) -> None:
        pass

    def sign_in(self, authorization: Sequence[str]) -> SignIn:
        token = authorization[0].removeprefix("Bearer ")
        user, id_ = token.split("/")
        return SignIn(user, id_, 0, token)


class Rest:
    """The whole application, as on every target, without a server and without a thread."""

    def __init__(self, services: Aws) -> None:
        at_once = [route._replace(blocking=False) for route in ROUTES]
        self._app = create_app(services, Tokens(), at_once, NO_PAGE)

    def request(
        self, method: str, path: str, token: str, body: Any = None, query: str = ""
    ) -> Answer:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"authorization", f"Bearer {token}".encode())],
        }
        data = b"" if body is None else json.dumps(body).encode()
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        run_at_once(self._app(scope, receive, send))
        text = b"".join(part.get("body", b"") for part in sent[1:])
        return Answer(sent[0]["status"], json.loads(text) if text else None)


@lru_cache(maxsize=256)
def registration(address: str) -> Frame:
    """The body that registers a device, named user/device, with a push token."""
    user, device = address.split("/")
    curve25519, ed25519 = _public(address, "curve"), _encoded_key(address)
    document = signatures.device_document(user, device, curve25519, ed25519)
    keys = {"curve25519": curve25519, "ed25519": ed25519}
    push = {"platform": "fcm", "token": f"{user}:{device}"}
    return {"keys": keys, "signature": signed_by(address, document), "push": push}


@lru_cache(maxsize=256)
def upload(address: str, number: int) -> Frame:
    """The body of an upload of KEYS_AT_ONCE one-time keys and a fallback key."""
    user, device = address.split("/")

    def key(id_: str, *, fallback: bool) -> Frame:
        public = _public(address, id_)
        document = signatures.key_document(user, device, id_, public, fallback=fallback)
        return {"key": public, "signature": signed_by(address, document)}

    names = [f"key{number}-{each}" for each in range(KEYS_AT_ONCE)]
    fallback = {"id": f"fallback{number}", **key(f"fallback{number}", fallback=True)}
    return {
        "one_time_keys": {name: key(name, fallback=False) for name in names},
        "fallback_key": fallback,
    }


def _public(address: str, name: str) -> str:
    return signatures.encode(hashlib.sha256(f"{address} {name}".encode()).digest())


@lru_cache(maxsize=256)
def _private(address: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(address.encode()).digest())


def _encoded_key(address: str) -> str:
    return signatures.encode(_private(address).public_key().public_bytes_raw())


def signed_by(address: str, document: Any) -> str:
    return signatures.encode(_private(address).sign(signatures.canonical(document)))
