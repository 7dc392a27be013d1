"""Access tokens with one defect each, on a route of the whole application: nobody gets in.

tests/lambdas/api/test_api_auth.py has the truth table of what a good token is.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from tests.attacks.world import World
from tests.support.lambdas.rest import PASSWORD, Rest
from tests.support.rows import rows

pytestmark = pytest.mark.xdist_group("attacks")

ROUTE = "/api/settings"
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def api(world: World) -> Rest:
    return world.api


@pytest.fixture
def ravi(world: World) -> str:
    return world.names["friend"]


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(
    header: str, claims: str, key: rsa.RSAPrivateKey, by: HashAlgorithm | None = None
) -> str:
    """A token of these texts, also of ones that no library would write."""
    text = f"{encoded(header.encode())}.{encoded(claims.encode())}"
    algorithm = by or SHA256()
    digest = hashlib.new(algorithm.name, text.encode()).digest()
    return f"{text}.{encoded(key.sign(digest, padding.PKCS1v15(), Prehashed(algorithm)))}"


def claims_of(api: Rest, user: str, **changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = jwt.decode(api.token(user), options={"verify_signature": False})
    return {name: value for name, value in {**known, **changes}.items() if value is not ...}


HEADER = {"alg": "RS256", "kid": "own", "typ": "JWT"}
OWN_KEY = jwt.algorithms.RSAAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True)

# A header with which the attacker's own key is to be taken for the pool's.
NAMING_A_KEY: dict[str, dict[str, Any]] = {
    "its own jwk": {"jwk": OWN_KEY},
    "its own jwk, without a kid": {"jwk": OWN_KEY, "kid": ...},
    "a jku": {"jku": "https://evil.example/jwks.json"},
    "an x5u": {"x5u": "https://evil.example/cert.pem"},
    "an x5c": {"x5c": ["AAAA"]},
    "a kid that is a path": {"kid": "../../../../dev/null"},
    "a kid that is SQL": {"kid": "own' UNION SELECT 'key"},
    "a kid that is a URL": {"kid": "https://evil.example/jwks.json#own"},
    "a kid with a NUL": {"kid": "own\0"},
    "a kid that is a list": {"kid": ["own"]},
    "a kid that is a number": {"kid": 1},
    "no kid": {"kid": ...},
}


@rows("header", NAMING_A_KEY.values(), ids=NAMING_A_KEY)
def test_no_header_brings_a_key_of_its_own(api: Rest, ravi: str, header: dict[str, Any]) -> None:
    fields = {name: value for name, value in {**HEADER, **header}.items() if value is not ...}
    rejected(api, signed(json.dumps(fields), json.dumps(claims_of(api, ravi)), STRANGER))


# What RFC 7515, 4.1.11 has a verifier reject, and algorithms of the same key: by the pool's key.
REJECTED: dict[str, tuple[dict[str, Any], HashAlgorithm]] = {
    "an extension that is critical": ({"crit": ["exp"]}, SHA256()),
    "crit with nothing": ({"crit": []}, SHA256()),
    "a payload that is not encoded": ({"b64": False, "crit": ["b64"]}, SHA256()),
    "RS384": ({"alg": "RS384"}, SHA384()),
    "RS512": ({"alg": "RS512"}, SHA512()),
    "an algorithm in small letters": ({"alg": "rs256"}, SHA256()),
    "no algorithm": ({"alg": ...}, SHA256()),
    "an algorithm that is a list": ({"alg": ["RS256"]}, SHA256()),
}


@rows(("header", "by"), REJECTED.values(), ids=REJECTED)
def test_what_a_verifier_does_not_know_it_rejects(
    api: Rest, ravi: str, header: dict[str, Any], by: HashAlgorithm
) -> None:
    fields = {name: value for name, value in {**HEADER, **header}.items() if value is not ...}
    claims = json.dumps(claims_of(api, ravi))
    rejected(api, signed(json.dumps(fields), claims, api.gateway.key, by))


# Claims as text, put in place of the one with this name: the pool's key has signed them.
CLAIMS: dict[str, tuple[str, str]] = {
    "exp that overflows": ("exp", "1e400"),
    "exp that is negative infinity": ("exp", "-Infinity"),
    "exp of many digits": ("exp", "9" * 400),
    "exp as a text": ("exp", '"4000000000"'),
    "exp as a list": ("exp", "[4000000000]"),
    "exp that is null": ("exp", "null"),
    "exp twice, the second over": ("exp", '4000000000, "exp": 1'),
    "iss as a list": ("iss", '["{iss}"]'),
    "iss with a slash": ("iss", '"{iss}/"'),
    "client_id as a list": ("client_id", '["{client_id}"]'),
    "token_use as a list": ("token_use", '["access"]'),
    "an id token": ("token_use", '"id"'),
    "username as a list": ("username", '["{username}"]'),
    "username in capitals": ("username", '"{USERNAME}"'),
    "username and a newline": ("username", '"{username}\\n"'),
    "username with a path": ("username", '"../{username}"'),
    "username that is an item's key": ("username", '"{username}#devices"'),
    "username that is null": ("username", "null"),
    "iat in the far future": ("iat", str(int(time.time()) + 3600)),
    "nbf in the far future": ("nbf", str(int(time.time()) + 3600)),
    "claims that are a list": ("", "[]"),
    "claims that are a number": ("", "1"),
    "claims that are no JSON": ("", "{"),
}


@rows(("name", "value"), CLAIMS.values(), ids=CLAIMS)
def test_claims_that_are_not_of_the_form_are_not_valid(
    api: Rest, ravi: str, name: str, value: str
) -> None:
    claims = claims_of(api, ravi)
    for known in ("iss", "client_id", "username"):
        value = value.replace(f"{{{known}}}", claims[known])
    value = value.replace("{USERNAME}", ravi.upper())
    rest_of_them = json.dumps({each: claims[each] for each in claims if each != name})
    text = f'{rest_of_them[:-1]}, "{name}": {value}}}' if name else value
    rejected(api, signed(json.dumps(HEADER), text, api.gateway.key))


AROUND: dict[str, Callable[[str], str]] = {
    "two tokens": lambda token: f"Bearer {token} {token}",
    "two schemes": lambda token: f"Bearer Bearer {token}",
    "a list of schemes": lambda token: f"Basic x, Bearer {token}",
    "another scheme": lambda token: f"Token {token}",
    "no scheme": lambda token: token,
    "a tab": lambda token: f"Bearer\t{token}",
    "a quoted token": lambda token: f'Bearer "{token}"',
    "padding": lambda token: f"Bearer {token}=",
    "a fourth part": lambda token: f"Bearer {token}.{token.rpartition('.')[2]}",
    "without its signature": lambda token: f"Bearer {token.rpartition('.')[0]}.",
    "half of it": lambda token: f"Bearer {token[: len(token) // 2]}",
}


@rows("around", AROUND.values(), ids=AROUND)
def test_a_good_token_in_another_form_is_none(
    api: Rest, ravi: str, around: Callable[[str], str]
) -> None:
    answer = api.request("GET", ROUTE, headers={"authorization": around(api.token(ravi))})
    assert (answer.status, answer.body["error"]["code"]) == (401, "unauthorized")


def test_no_other_token_of_the_pool_is_an_access_token(api: Rest, ravi: str) -> None:
    body = {"username": ravi, "password": PASSWORD}
    tokens = api.request("POST", "/api/sign-in", body).body
    for name, status in {"access_token": 200, "refresh_token": 401}.items():
        headers = {"authorization": f"Bearer {tokens[name]}"}
        assert api.request("GET", ROUTE, headers=headers).status == status, name


def test_the_token_that_all_these_are_made_from_is_good(api: Rest, ravi: str) -> None:
    token = signed(json.dumps(HEADER), json.dumps(claims_of(api, ravi)), api.gateway.key)
    assert api.request("GET", ROUTE, headers={"authorization": f"Bearer {token}"}).status == 200


def rejected(api: Rest, token: str) -> None:
    answer = api.request("GET", ROUTE, headers={"authorization": f"Bearer {token}"})
    assert (answer.status, answer.body["error"]["code"]) == (401, "unauthorized"), answer
