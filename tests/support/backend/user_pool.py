"""A Cognito user pool in memory: sign-up, sign-in and refresh; its tokens are signed like Cognito's.

The password policy is only a least length of eight; that of the deployed pool is in stacks/data.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any

import jwt
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa

from lambdas.api.auth import ALGORITHM, AccessTokens

CLIENT_ID = "api"
POOL_ID = "us-east-1_Users"
ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL_ID}"
TOKEN_SECONDS = 3600
LEAST_LENGTH = 8
KEY_ID = "only"


@lru_cache(maxsize=1)
def _key() -> rsa.RSAPrivateKey:
    """Made once in a process: it takes as long as many tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class PoolKeys:
    """The pool's public keys, as lambdas.api.jwks.SigningKeys gives them."""

    def get(self, kid: str) -> Any:
        return _key().public_key() if kid == KEY_ID else None


class CheckedTokens(AccessTokens):
    """The API's check of access tokens; each signature is verified once, the expiry each time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(PoolKeys(), ISSUER, CLIENT_ID, clock)
        self._verified: dict[str, dict[str, Any]] = {}

    def _claims(self, token: str) -> dict[str, Any]:
        if token not in self._verified:
            self._verified[token] = super()._claims(token)
        return self._verified[token]


class UserPool:
    """The Cognito client's calls that the API makes. `before_call` may raise."""

    def __init__(self, clock: Callable[[], float], before_call: Callable[[str], None]) -> None:
        self._clock = clock
        self._before_call = before_call
        self._serial = count(1)
        self.passwords: dict[str, str] = {}
        self.refresh_tokens: dict[str, str] = {}  # token -> user
        self._confirmed: set[str] = set()
        self.emails: dict[str, str] = {}  # confirmed ones, by user
        self.codes: dict[tuple[str, str], tuple[str, str]] = {}  # purpose, user -> code, address
        self.mails: list[dict[str, str]] = []

    def sign_up(self, **request: Any) -> dict[str, Any]:
        self._before_call("sign_up")
        user, password = request["Username"], request["Password"]
        if user in self.passwords:
            raise _error("UsernameExistsException", "User already exists")
        self._require_strong(password)
        self.passwords[user] = password
        return {}

    def admin_confirm_sign_up(self, **request: Any) -> dict[str, Any]:
        self._before_call("admin_confirm_sign_up")
        self._confirmed.add(request["Username"])
        return {}

    def initiate_auth(self, **request: Any) -> dict[str, Any]:
        self._before_call("initiate_auth")
        parameters = request["AuthParameters"]
        if request["AuthFlow"] == "REFRESH_TOKEN_AUTH":
            refresh = parameters["REFRESH_TOKEN"]
            user = self.refresh_tokens.get(refresh)
            if user is None:
                raise _error("NotAuthorizedException", "Invalid Refresh Token")
            return {"AuthenticationResult": self._access(user, refresh)}
        user = parameters["USERNAME"]
        if user not in self.passwords or self.passwords[user] != parameters["PASSWORD"]:
            raise _error("NotAuthorizedException", "Incorrect username or password.")
        if user not in self._confirmed:
            raise _error("UserNotConfirmedException", "User is not confirmed.")
        refresh = f"refresh-{next(self._serial)}"
        self.refresh_tokens[refresh] = user
        return {"AuthenticationResult": {**self._access(user, refresh), "RefreshToken": refresh}}

    def admin_get_user(self, **request: Any) -> dict[str, Any]:
        self._before_call("admin_get_user")
        if request["Username"] not in self.passwords:
            raise _error("UserNotFoundException", "User does not exist.")
        return {"Username": request["Username"], "Enabled": True, "UserStatus": "CONFIRMED"}

    def revoke_token(self, **request: Any) -> dict[str, Any]:
        self._before_call("revoke_token")
        self.refresh_tokens.pop(request["Token"], None)
        return {}

    def change_password(self, **request: Any) -> dict[str, Any]:
        self._before_call("change_password")
        claims = jwt.decode(request["AccessToken"], options={"verify_signature": False})
        if self.passwords[claims["username"]] != request["PreviousPassword"]:
            raise _error("NotAuthorizedException", "Incorrect username or password.")
        self._require_strong(request["ProposedPassword"])
        self.passwords[claims["username"]] = request["ProposedPassword"]
        return {}

    def update_user_attributes(self, **request: Any) -> dict[str, Any]:
        self._before_call("update_user_attributes")
        claims = jwt.decode(request["AccessToken"], options={"verify_signature": False})
        (email,) = (each["Value"] for each in request["UserAttributes"])
        self._mail("verify", claims["username"], email)
        return {}

    def verify_user_attribute(self, **request: Any) -> dict[str, Any]:
        self._before_call("verify_user_attribute")
        claims = jwt.decode(request["AccessToken"], options={"verify_signature": False})
        user = claims["username"]
        self.emails[user] = self._redeemed("verify", user, request["Code"])
        return {}

    def forgot_password(self, **request: Any) -> dict[str, Any]:
        self._before_call("forgot_password")
        user = request["Username"]
        if user in self.emails:
            self._mail("reset", user, self.emails[user])
        elif user in self.passwords:
            raise _error("InvalidParameterException", "no registered/verified email")
        return {}

    def confirm_forgot_password(self, **request: Any) -> dict[str, Any]:
        self._before_call("confirm_forgot_password")
        self._require_strong(request["Password"])
        self._redeemed("reset", request["Username"], request["ConfirmationCode"])
        self.passwords[request["Username"]] = request["Password"]
        return {}

    def _mail(self, purpose: str, user: str, email: str) -> None:
        code = f"{next(self._serial):06d}"
        self.codes[purpose, user] = (code, email)
        self.mails.append({"to": email, "code": code})

    def _redeemed(self, purpose: str, user: str, code: str) -> str:
        """The address that the code was mailed to."""
        if self.codes.get((purpose, user), ("",))[0] != code:
            raise _error("CodeMismatchException", "Invalid verification code provided")
        return self.codes.pop((purpose, user))[1]

    def admin_user_global_sign_out(self, **request: Any) -> dict[str, Any]:
        self._before_call("admin_user_global_sign_out")
        self.refresh_tokens = {
            token: user
            for token, user in self.refresh_tokens.items()
            if user != request["Username"]
        }
        return {}

    def admin_delete_user(self, **request: Any) -> dict[str, Any]:
        self._before_call("admin_delete_user")
        del self.passwords[request["Username"]]
        return {}

    def _require_strong(self, password: str) -> None:
        if len(password) < LEAST_LENGTH:
            message = "Password did not conform with policy: Password not long enough"
            raise _error("InvalidPasswordException", message)

    def _access(self, user: str, refresh: str) -> dict[str, Any]:
        return {"AccessToken": self.access_token(user, refresh), "ExpiresIn": TOKEN_SECONDS}

    def access_token(self, user: str, refresh: str = "") -> str:
        """An access token of the sign-in that gave `refresh`, or of one of its own."""
        claims = {
            "iss": ISSUER,
            "client_id": CLIENT_ID,
            "token_use": "access",
            "username": user,
            "exp": int(self._clock()) + TOKEN_SECONDS,
            "auth_time": int(self._clock()),
            "jti": (serial := str(next(self._serial))),
            "origin_jti": refresh or serial,
        }
        return jwt.encode(claims, _key(), ALGORITHM, {"kid": KEY_ID})


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "operation")
