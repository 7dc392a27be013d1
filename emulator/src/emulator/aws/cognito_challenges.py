"""Additions to moto's challenges: a session is one user's, for the challenge issued with it.

moto signs in whoever a response names, by a response to any challenge, and disabled users as well.
Source: Cognito API reference, RespondToAuthChallenge (ChallengeName, ChallengeResponses, Session,
Errors) and VerifySoftwareToken (Session).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cognitoidp.exceptions import InvalidParameterException, NotAuthorizedError
from moto.cognitoidp.models import CognitoIdpBackend
from moto.core.exceptions import JsonRESTError

from emulator.aws.hooks import replace

# What ChallengeResponses needs besides USERNAME
_NEEDED = {
    "NEW_PASSWORD_REQUIRED": ("NEW_PASSWORD",),
    "PASSWORD_VERIFIER": ("PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"),
    "SMS_MFA": ("SMS_MFA_CODE",),
    "SOFTWARE_TOKEN_MFA": ("SOFTWARE_TOKEN_MFA_CODE",),
}


class PasswordResetRequired(JsonRESTError):
    """An administrator has reset the account's password."""

    def __init__(self) -> None:
        super().__init__("PasswordResetRequiredException", "Password reset required for the user")


def install() -> None:
    """Change moto's Cognito as this module's docstring describes."""
    for name in ("initiate_auth", "admin_initiate_auth"):
        replace(CognitoIdpBackend, name, _issuing(getattr(CognitoIdpBackend, name)))
    _check_responses()
    _go_on_after_setup()


def _issued(backend: Any) -> dict[str, str]:
    """The challenge of each session that waits for a response."""
    issued: dict[str, str] = backend.__dict__.setdefault("emulator_challenges", {})
    return issued


def _note(backend: Any, result: Any) -> Any:
    if result and result.get("ChallengeName"):
        _issued(backend)[result["Session"]] = result["ChallengeName"]
    return result


def _issuing(original: Callable[..., Any]) -> Callable[..., Any]:
    def sign_in(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _note(self, original(self, *args, **kwargs))

    return sign_in


def _check_responses() -> None:
    original = CognitoIdpBackend.respond_to_auth_challenge

    def respond(
        self: Any, session: str, client_id: str, challenge: str, responses: dict[str, str]
    ) -> Any:
        responses = responses or {}
        if challenge == "PASSWORD_VERIFIER":
            session = responses.get("PASSWORD_CLAIM_SECRET_BLOCK", "")
        if session not in self.sessions or _issued(self).get(session) != challenge:
            raise NotAuthorizedError("Invalid session for the user.")
        for name in ("USERNAME", *_NEEDED.get(challenge, ())):
            if not responses.get(name):
                raise InvalidParameterException(f"Missing required parameter {name}")
        user = _user(self, session, responses["USERNAME"])
        result = original(self, session, client_id, challenge, {**responses, "USERNAME": user})
        if "AuthenticationResult" in result:  # moto keeps the session of MFA_SETUP
            self.sessions.pop(session, None)
            del _issued(self)[session]
        return _note(self, result)

    replace(CognitoIdpBackend, "respond_to_auth_challenge", respond)


def _user(backend: Any, session: str, name: str) -> str:
    """The session's, as it was signed up. Raises Cognito's error."""
    username, pool = backend.sessions[session]
    user = pool._get_user(username)
    if user is None or pool._get_user(name) is not user:
        raise NotAuthorizedError("Invalid session for the user.")
    if not user.enabled:
        raise NotAuthorizedError("User is disabled.")
    if user.status.value == "RESET_REQUIRED":
        raise PasswordResetRequired
    return str(user.username)


def _go_on_after_setup() -> None:
    """The session that VerifySoftwareToken returns is for the response to MFA_SETUP."""
    original = CognitoIdpBackend.verify_software_token

    def verify_software_token(self: Any, access_token: str, session: str, *args: Any) -> Any:
        result = original(self, access_token, session, *args)
        challenge = _issued(self).pop(session, None)
        if challenge is not None:
            self.sessions.pop(session, None)
            _issued(self)[result["Session"]] = challenge
        return result

    replace(CognitoIdpBackend, "verify_software_token", verify_software_token)
