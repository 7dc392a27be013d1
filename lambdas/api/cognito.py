"""Accounts in the Cognito user pool, and its faults as the protocol's errors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from lambdas.errors import ChatError, bad_request

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.literals import AuthFlowTypeType

THROTTLED = frozenset(
    {"TooManyRequestsException", "LimitExceededException", "TooManyFailedAttemptsException"}
)
# Unknown user and wrong password must look alike, or the endpoint tells who has an account. The
# pool's PreventUserExistenceErrors does the same, and pads its timing. InvalidParameter: a password
# that no password can be.
WRONG = frozenset({"NotAuthorizedException", "UserNotFoundException", "InvalidParameterException"})


WRONG_PASSWORD = "the username or the password is wrong"  # noqa: S105 - a sentence
WRONG_TOKEN = "the refresh token is not valid any more"  # noqa: S105 - a sentence


class Tokens(NamedTuple):
    access_token: str
    expires_in: int
    refresh_token: str | None  # None when refreshed: the old one stays good


class Accounts:
    """The accounts of one user pool, reached through one app client without a secret."""

    def __init__(self, cognito: "CognitoIdentityProviderClient", pool: str, client_id: str) -> None:
        self._cognito = cognito
        self._pool = pool
        self._client_id = client_id

    def create(self, user: str, password: str) -> None:
        """A confirmed account. Raises ChatError conflict, bad_request, rate_limited."""
        try:
            self._cognito.sign_up(ClientId=self._client_id, Username=user, Password=password)
        except ClientError as fault:
            match code_of(fault):
                case "UsernameExistsException":
                    raise ChatError("conflict", f"the name {user} is taken") from None
                case "InvalidPasswordException":
                    raise bad_request(fault.response["Error"]["Message"]) from None
                case "InvalidParameterException":
                    raise bad_request("this password can't be used; try another") from None
                case code if code in THROTTLED:
                    raise rate_limited() from None
            raise
        self._confirm(user)

    def sign_in(self, user: str, password: str) -> Tokens:
        """Raises ChatError unauthorized, forbidden, rate_limited."""
        parameters = {"USERNAME": user, "PASSWORD": password}
        try:
            return self._initiate("USER_PASSWORD_AUTH", parameters, WRONG_PASSWORD)
        except Unconfirmed:
            # Sign-up died between its two calls. Confirming proves nothing here (there is no mail
            # and no phone to prove), and what follows still needs the password.
            self._confirm(user)
            return self._initiate("USER_PASSWORD_AUTH", parameters, WRONG_PASSWORD)

    def refresh(self, refresh_token: str) -> Tokens:
        """Raises ChatError unauthorized, forbidden, rate_limited."""
        parameters = {"REFRESH_TOKEN": refresh_token}
        return self._initiate("REFRESH_TOKEN_AUTH", parameters, WRONG_TOKEN)

    def _confirm(self, user: str) -> None:
        try:
            self._cognito.admin_confirm_sign_up(UserPoolId=self._pool, Username=user)
        except ClientError as fault:
            if code_of(fault) in THROTTLED:
                raise rate_limited() from None
            raise

    def _initiate(
        self, flow: "AuthFlowTypeType", parameters: Mapping[str, str], wrong: str
    ) -> Tokens:
        try:
            answer = self._cognito.initiate_auth(
                ClientId=self._client_id, AuthFlow=flow, AuthParameters=parameters
            )
        except ClientError as fault:
            match code_of(fault):
                case "UserNotConfirmedException":
                    raise Unconfirmed from None
                case code if code in WRONG:
                    raise ChatError("unauthorized", wrong) from None
                case code if code in THROTTLED:
                    raise rate_limited() from None
            raise
        if "AuthenticationResult" not in answer:
            # a new password, a second factor: set up by an administrator, not through this API
            raise ChatError("forbidden", "this account needs a step that is not offered here")
        result = answer["AuthenticationResult"]
        return Tokens(result["AccessToken"], result["ExpiresIn"], result.get("RefreshToken"))


class Unconfirmed(Exception):
    """The account exists, but was never confirmed."""


def rate_limited() -> ChatError:
    return ChatError("rate_limited", "too many attempts; wait a moment")


def code_of(fault: ClientError) -> str:
    return str(fault.response["Error"]["Code"])
