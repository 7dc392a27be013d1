"""Access tokens: what is let in, and all the ways to be turned away."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lambdas.api.auth import AccessTokens, from_cognito
from lambdas.api.jwks import FRESH_SECONDS, REFETCH_SECONDS, RETRY_SECONDS, SigningKeys
from lambdas.errors import ChatError
from tests.support.rows import rows

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
CLIENT = "client"
NOW = 1_800_000_000.0


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(name: str) -> dict[str, Any]:
    entry = jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name).public_key(), as_dict=True)
    return {**entry, "kid": name, "use": "sig", "alg": "RS256"}


def key_set(*names: str) -> bytes:
    return json.dumps({"keys": [jwk(name) for name in names]}).encode()


class Pool:
    """A JWKS address that counts how often it was asked, and fails on demand."""

    def __init__(self, *names: str) -> None:
        self.document = key_set(*names)
        self.fetches = 0
        self.down = False

    def fetch(self, _url: str) -> bytes:
        self.fetches += 1
        if self.down:
            raise OSError("no route to the pool")
        return self.document


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def claims(**changes: Any) -> dict[str, Any]:
    usual = {
        "iss": ISSUER,
        "client_id": CLIENT,
        "token_use": "access",
        "username": "ravi",
        "exp": int(NOW) + 3600,
        "sub": "id",
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def token(body: dict[str, Any], key: str = "first", **header: Any) -> str:
    return jwt.encode(body, private_key(key), "RS256", {"kid": key, **header})


def tokens(pool: Pool | None = None) -> AccessTokens:
    keys = SigningKeys("url", (pool or Pool("first")).fetch)
    return AccessTokens(keys, ISSUER, CLIENT, lambda: NOW)


def rejected(authorization: list[str]) -> str:
    with pytest.raises(ChatError) as error:
        tokens().sign_in(authorization)
    assert error.value.code == "unauthorized"
    return error.value.message


def test_two_authorization_headers_are_none_even_if_both_are_valid() -> None:
    header = f"Bearer {token(claims())}"
    with pytest.raises(ChatError) as error:
        tokens().sign_in([header, header])
    assert error.value.code == "unauthorized"


def test_an_access_token_of_the_pool_names_its_user() -> None:
    assert tokens().sign_in([f"Bearer {token(claims())}"]).user == "ravi"


def test_a_refreshed_token_is_as_old_as_its_sign_in() -> None:
    """What ended all sign-ins ended this one too, although the token was made since."""
    refreshed = claims(auth_time=int(NOW) - 3600, iat=int(time.time()))
    assert tokens().sign_in([f"Bearer {token(refreshed)}"]).at == int(NOW) - 3600
    assert from_cognito(token(refreshed)).at == int(NOW) - 3600


@pytest.mark.parametrize(
    ("ids", "id"),
    [
        ({"origin_jti": "of the sign-in", "jti": "of the token"}, "of the sign-in"),
        ({"jti": "of the token"}, "of the token"),
        ({}, ""),
    ],
)
def test_all_tokens_of_a_sign_in_have_its_id(ids: dict[str, str], id: str) -> None:
    assert tokens().sign_in([f"Bearer {token(claims(**ids))}"]).id == id


def test_a_token_made_by_a_clock_a_little_ahead_of_ours_is_valid_already() -> None:
    fresh = claims(iat=int(time.time()) + 30)
    assert tokens().sign_in([f"Bearer {token(fresh)}"]).user == "ravi"


def test_the_scheme_is_read_in_any_case() -> None:
    assert tokens().sign_in([f"bearer  {token(claims())}"]).user == "ravi"


@pytest.mark.parametrize(
    "headers",
    [[], [""], ["Bearer"], ["Bearer "], ["Basic cmF2aTpwdw=="], ["x"], ["Bearer a", "Bearer b"]],
)
def test_without_one_bearer_token_nobody_is_let_in(headers: list[str]) -> None:
    rejected(headers)


@rows(
    "changes",
    [
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"iss": None},
        {"client_id": "another client"},
        {"client_id": None},
        {"token_use": "id"},
        {"token_use": None},
        {"username": None},
        {"username": ""},
        {"username": "Ravi"},
        {"username": "ravi\n"},
        {"username": "push#arn"},
        {"username": 7},
        {"exp": None},
        {"nbf": int(time.time()) + 3600},
    ],
)
def test_a_token_with_other_claims_is_not_valid(changes: dict[str, Any]) -> None:
    assert rejected([f"Bearer {token(claims(**changes))}"]) == "the access token is not valid"


@pytest.mark.parametrize("exp", [int(NOW), int(NOW) - 1, 0, NOW - 0.5])
def test_an_expired_token_says_so(exp: float) -> None:
    assert rejected([f"Bearer {token(claims(exp=exp))}"]) == "the access token has expired"


NO_TIMES: list[Any] = ["soon", True, [], {}, float("nan"), float("inf"), float("-inf")]


@rows("name", ["exp", "iat", "nbf", "auth_time"])
@rows("time", NO_TIMES, ids=str)
def test_a_time_that_is_none_is_not_valid(name: str, time: Any) -> None:
    assert "not valid" in rejected([f"Bearer {token(claims(**{name: time}))}"])


def test_a_token_by_a_key_of_another_pool_is_not_valid() -> None:
    forged = jwt.encode(claims(), private_key("stranger"), "RS256", {"kid": "first"})
    assert "not valid" in rejected([f"Bearer {forged}"])
    assert "not valid" in rejected([f"Bearer {token(claims(), 'stranger')}"])


def part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "ES256", "EdDSA", "PS256"])
def test_the_algorithm_is_not_the_tokens_to_choose(algorithm: str) -> None:
    signed = token(claims()).split(".")
    for signature in ("", signed[2]):
        header = part({"alg": algorithm, "kid": "first", "typ": "JWT"})
        assert "not valid" in rejected([f"Bearer {header}.{signed[1]}.{signature}"])


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_a_signature_by_the_pools_key_has_the_pools_algorithm(algorithm: str) -> None:
    made = jwt.encode(claims(), private_key("first"), algorithm, {"kid": "first"})
    assert "not valid" in rejected([f"Bearer {made}"])


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    text = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(claims())}"
    public = private_key("first").public_key()
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk("first")).encode(),
    ):
        signature = hmac.digest(secret, text.encode(), "sha256")
        encoded = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        assert "not valid" in rejected([f"Bearer {text}.{encoded}"])
    eddsa = jwt.encode(claims(), Ed25519PrivateKey.generate(), "EdDSA", {"kid": "first"})
    assert "not valid" in rejected([f"Bearer {eddsa}"])


def changed(position: int) -> str:
    parts = token(claims()).split(".")
    parts[position] = parts[position][:-6] + "AAAAAA"
    return ".".join(parts)


@rows(
    "text",
    [
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "é.é.é",
        "{}",
        part({"alg": "RS256", "kid": "first"}) + ".e30.",
        part({"alg": "RS256"}) + ".e30.AAAA",
        part({"alg": "RS256", "kid": 7}) + ".e30.AAAA",
        part({"alg": "RS256", "kid": None}) + ".e30.AAAA",
        part({"alg": "RS256", "kid": "first", "crit": ["x"]}) + ".e30.AAAA",
        "A" * 100_000,
    ],
)
def test_what_is_no_token_is_not_valid(text: str) -> None:
    assert "not valid" in rejected([f"Bearer {text}"])


@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_changed_character_makes_a_token_invalid(position: int) -> None:
    assert "not valid" in rejected([f"Bearer {changed(position)}"])


def at(clock: Clock) -> Callable[[float], None]:
    start = clock.now

    def move(seconds: float) -> None:
        clock.now = start + seconds

    return move


def test_keys_are_fetched_once_while_they_are_fresh() -> None:
    pool, clock = Pool("first"), Clock()
    keys, after = SigningKeys("url", pool.fetch, clock), at(clock)
    for seconds in (0, 1, FRESH_SECONDS - 1):
        after(seconds)
        assert keys.get("first") is not None
    assert pool.fetches == 1
    after(FRESH_SECONDS + 1)
    assert keys.get("first") is not None
    assert pool.fetches == 2


def test_a_new_key_of_the_pool_is_found_and_invented_ones_do_not_make_us_ask_each_time() -> None:
    pool, clock = Pool("first"), Clock()
    keys, after = SigningKeys("url", pool.fetch, clock), at(clock)
    assert keys.get("first") is not None
    for invented in range(100):
        assert keys.get(f"invented {invented}") is None
    assert pool.fetches == 1
    pool.document = key_set("first", "second")
    assert keys.get("second") is None
    after(REFETCH_SECONDS)
    assert keys.get("second") is not None
    assert keys.get("first") is not None
    assert pool.fetches == 2


def test_a_key_the_pool_took_back_is_no_good_after_a_while() -> None:
    pool, clock = Pool("first"), Clock()
    keys, after = SigningKeys("url", pool.fetch, clock), at(clock)
    assert keys.get("first") is not None
    pool.document = key_set("second")
    after(FRESH_SECONDS + 1)
    assert keys.get("first") is None


def test_while_the_pool_is_away_the_keys_we_have_go_on_serving() -> None:
    pool, clock = Pool("first"), Clock()
    keys, after = SigningKeys("url", pool.fetch, clock), at(clock)
    assert keys.get("first") is not None
    pool.down = True
    after(FRESH_SECONDS + 1)
    assert keys.get("first") is not None
    assert keys.get("unknown") is None
    assert pool.fetches == 2  # and it is not asked at each request either


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b"<html>", b'{"keys":[{"kty":"RSA"}]}'])
def test_without_any_key_the_fault_is_ours_and_is_soon_over(document: bytes) -> None:
    pool, clock = Pool("first"), Clock()
    keys, after = SigningKeys("url", pool.fetch, clock), at(clock)
    good, pool.document = pool.document, document
    with pytest.raises(ChatError) as error:
        keys.get("first")
    assert error.value.code == "internal"
    pool.document = good
    after(RETRY_SECONDS)
    if document == b'{"keys":[{"kty":"RSA"}]}':  # a key set, if an empty one
        after(REFETCH_SECONDS)
    assert keys.get("first") is not None


def test_keys_of_other_kinds_are_left_alone() -> None:
    document = json.loads(key_set("first"))
    document["keys"] += [
        {"kty": "EC", "kid": "curve", "crv": "P-256"},
        {**jwk("second"), "use": "enc"},
        {name: value for name, value in jwk("second").items() if name != "kid"},
        {name: value for name, value in jwk("third").items() if name != "use"},
    ]
    pool = Pool("first")
    pool.document = json.dumps(document).encode()
    keys = SigningKeys("url", pool.fetch)
    assert keys.get("first") is not None
    assert keys.get("third") is not None  # `use` may be left out
    assert keys.get("curve") is None
    assert keys.get("second") is None
