"""Authentication: verifies Cognito's access tokens.

docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jwt

from lambdas.api.call import USER, SignIn
from lambdas.errors import ChatError

ALGORITHM = "RS256"  # the only one of Cognito; the token's `alg` is never trusted

TIMES = ("exp", "iat", "nbf", "auth_time")
LATEST = 2**53  # epoch seconds; up to there a float holds every integer

# Cognito's clock may be ahead of ours by this much: a token just issued must be valid.
SKEW_SECONDS = 60


class Keys(Protocol):
    def get(self, kid: str) -> Any: ...


class AccessTokens:
    """Access tokens of one app client of one user pool. `clock` is epoch seconds."""

    def __init__(
        self, keys: Keys, issuer: str, client_id: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._client_id = client_id
        self._clock = clock

    def sign_in(self, authorization: Sequence[str]) -> SignIn:
        """Of a request with these Authorization headers. Raises ChatError unauthorized."""
        token = bearer(authorization)
        claims = self._claims(token)
        # JSON here may have NaN and Infinity, with which no comparison means anything, and
        # integers that no float can hold
        if not all(_is_time(claims[name]) for name in TIMES if name in claims):
            raise invalid()
        if claims["exp"] <= self._clock():
            raise unauthorized("the access token has expired")
        if claims.get("token_use") != "access" or claims.get("client_id") != self._client_id:
            raise invalid()
        user = claims.get("username")
        if not isinstance(user, str) or not USER.fullmatch(user):
            raise invalid()
        return SignIn(user, sign_in_id(claims), claims.get("auth_time", 0), token)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise invalid()
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                leeway=SKEW_SECONDS,
                # Cognito's access tokens have no aud; exp is checked above, by our clock
                options={"require": ["exp", "iss"], "verify_aud": False, "verify_exp": False},
            )
        except (jwt.PyJWTError, OverflowError):  # a time that is infinite overflows inside jwt
            raise invalid() from None
        return claims


def sign_in_id(claims: Mapping[str, Any]) -> str:
    """`origin_jti`: the user pool's client revokes tokens, so each of its tokens has one."""
    return str(claims.get("origin_jti") or claims.get("jti") or "")


def from_cognito(access_token: str) -> SignIn:
    """The sign-in of a token that Cognito itself has just given: nothing is left to verify."""
    claims = jwt.decode(access_token, options={"verify_signature": False})
    return SignIn(claims["username"], sign_in_id(claims), claims["auth_time"], access_token)


def _is_time(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < LATEST


def bearer(authorization: Sequence[str]) -> str:
    if not authorization:
        raise unauthorized("this needs an access token: Authorization: Bearer <access token>")
    scheme, _, token = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("the Authorization header is not: Bearer <access token>")
    return token.strip()


def invalid() -> ChatError:
    """One error for every invalid token, so that a forger learns nothing from it."""
    return unauthorized("the access token is not valid")


def unauthorized(message: str) -> ChatError:
    return ChatError("unauthorized", message)
