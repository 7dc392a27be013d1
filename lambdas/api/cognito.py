"""Accounts in the Cognito user pool; its errors as errors of the protocol.

Cognito's throttling passes through as it is, and becomes `rate_limited` like that of others.
"""

import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from lambdas.errors import ChatError, bad_request, disabled, not_found
from lambdas.settings import Aws

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.literals import AuthFlowTypeType
    from mypy_boto3_cognito_idp.type_defs import InitiateAuthResponseTypeDef

# An unknown user and a wrong password get the same error, so that nobody can find out who has an
# account. The pool's PreventUserExistenceErrors does the same, and pads the time. InvalidParameter:
# the password has a form that no password can have.
WRONG = frozenset({"NotAuthorizedException", "UserNotFoundException", "InvalidParameterException"})

# RevokeToken's errors for a text that is no refresh token of this client.
NO_TOKEN = frozenset(
    {"InvalidParameterException", "UnsupportedTokenTypeException", "UnauthorizedException"}
)

# ForgotPassword's errors where no code can be sent. One response for all of them, and for a code
# that was sent: nobody finds out who has an account, or an address. LimitExceeded counts by user.
# docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ForgotPassword.html
NO_RESET = frozenset(
    {
        *WRONG,
        "UserNotConfirmedException",
        "LimitExceededException",
    }
)
UNDELIVERABLE = frozenset({"CodeDeliveryFailureException", "InvalidParameterException"})
WRONG_CODES = frozenset({"CodeMismatchException", "ExpiredCodeException"})
WRONG_CODE = "the code is wrong or has expired"

WRONG_PASSWORD = "the username or the password is wrong"  # noqa: S105 - a sentence
WRONG_TOKEN = "the refresh token is not valid any more"  # noqa: S105 - a sentence


TEMPORARY = "this password is a temporary one: choose your own with POST /api/password"
RESET = "this password has to be reset: ask who runs this service for a temporary one"


class Tokens(NamedTuple):
    access_token: str
    expires_in: int
    refresh_token: str | None  # None after a refresh: the old one stays valid


class Accounts:
    """The accounts of one user pool, reached through one app client without a secret."""

    def __init__(self, cognito: "CognitoIdentityProviderClient", pool: str, client_id: str) -> None:
        self._cognito = cognito
        self._pool = pool
        self._client_id = client_id

    def create(self, user: str, password: str) -> None:
        """A confirmed account. Idempotent: repeated with the same password it is no conflict.

        Its response may have been lost, to the client or to the SDK, which then sends it again.
        Raises ChatError conflict, bad_request.
        """
        try:
            self._cognito.sign_up(
                ClientId=self._client_id, Username=user, Password=one_form(password)
            )
        except ClientError as error:
            match code_of(error):
                case "UsernameExistsException":
                    self.require_same(user, password)
                    return
                case "InvalidPasswordException":
                    raise bad_request(error.response["Error"]["Message"]) from None
                case "InvalidParameterException":
                    raise bad_request("this password can't be used; try another") from None
            raise
        self._confirm(user)

    def require_same(self, user: str, password: str) -> None:
        """For a sign-up that may be a repeated one. Raises ChatError conflict."""
        try:
            self.sign_in(user, password)
        except ChatError:
            raise taken(user) from None

    def sign_in(self, user: str, password: str) -> Tokens:
        """Raises ChatError unauthorized, forbidden."""
        parameters = {"USERNAME": user, "PASSWORD": one_form(password)}
        try:
            return self._initiate("USER_PASSWORD_AUTH", parameters, WRONG_PASSWORD)
        except Unconfirmed:
            # Sign-up failed between its two calls. Confirming is safe: there is no mail or phone to
            # verify, and signing in still needs the password.
            self._confirm(user)
            return self._initiate("USER_PASSWORD_AUTH", parameters, WRONG_PASSWORD)

    def refresh(self, refresh_token: str) -> Tokens:
        """Raises ChatError unauthorized, forbidden."""
        parameters = {"REFRESH_TOKEN": refresh_token}
        return self._initiate("REFRESH_TOKEN_AUTH", parameters, WRONG_TOKEN)

    def revoke(self, refresh_token: str) -> None:
        """Ends the sign-in of a refresh token, also for who asks Cognito directly."""
        try:
            self._cognito.revoke_token(Token=refresh_token, ClientId=self._client_id)
        except ClientError as error:
            if code_of(error) not in NO_TOKEN:
                raise

    def change_password(self, user: str, password: str, new_password: str) -> None:
        """Also of an account whose password is a temporary one that an operator has set.

        Raises ChatError unauthorized, forbidden, bad_request (the new one is too weak).
        """
        parameters = {"USERNAME": user, "PASSWORD": one_form(password)}
        try:
            response = self._authenticate("USER_PASSWORD_AUTH", parameters, WRONG_PASSWORD)
            if response.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
                self._cognito.respond_to_auth_challenge(
                    ClientId=self._client_id,
                    ChallengeName="NEW_PASSWORD_REQUIRED",
                    Session=response["Session"],
                    ChallengeResponses={
                        "USERNAME": user,
                        "NEW_PASSWORD": one_form(new_password),
                    },
                )
                return
            self._cognito.change_password(
                AccessToken=_tokens(response).access_token,
                PreviousPassword=one_form(password),
                ProposedPassword=one_form(new_password),
            )
        except ClientError as error:
            match code_of(error):
                case "InvalidPasswordException":
                    raise bad_request(error.response["Error"]["Message"]) from None
                case "InvalidParameterException":
                    raise bad_request("this password can't be used; try another") from None
            raise

    def set_email(self, user: str, password: str, email: str) -> None:
        """Cognito sends a code to the address, and takes it once that is confirmed.

        The password is asked again: with an address of one's own the account can be taken over.
        Raises ChatError unauthorized, forbidden, bad_request.
        """
        tokens = self.sign_in(user, password)
        try:
            self._cognito.update_user_attributes(
                AccessToken=tokens.access_token,
                UserAttributes=[{"Name": "email", "Value": email}],
            )
        except ClientError as error:
            if code_of(error) in UNDELIVERABLE:
                raise bad_request("no mail can be sent to this address") from None
            raise
        finally:
            if tokens.refresh_token:
                self.revoke(tokens.refresh_token)

    def confirm_email(self, access_token: str, code: str) -> None:
        """Raises ChatError bad_request, unauthorized."""
        try:
            self._cognito.verify_user_attribute(
                AccessToken=access_token, AttributeName="email", Code=code
            )
        except ClientError as error:
            if code_of(error) in WRONG_CODES:
                raise bad_request(WRONG_CODE) from None
            if code_of(error) == "NotAuthorizedException":
                raise ChatError("unauthorized", "this sign-in has ended; sign in again") from None
            raise

    def send_reset_code(self, user: str) -> None:
        """Mails a code if the user exists and has confirmed an address; nobody learns whether."""
        try:
            self._cognito.forgot_password(ClientId=self._client_id, Username=user)
        except ClientError as error:
            if code_of(error) not in NO_RESET | UNDELIVERABLE:
                raise

    def reset_password(self, user: str, code: str, new_password: str) -> None:
        """Raises ChatError bad_request: the code is wrong, or the password too weak."""
        try:
            self._cognito.confirm_forgot_password(
                ClientId=self._client_id,
                Username=user,
                ConfirmationCode=code,
                Password=one_form(new_password),
            )
        except ClientError as error:
            if code_of(error) == "InvalidPasswordException":
                raise bad_request(error.response["Error"]["Message"]) from None
            if code_of(error) in WRONG_CODES | NO_RESET:
                raise bad_request(WRONG_CODE) from None
            raise

    def require_enabled(self, user: str) -> None:
        """Asks Cognito itself: a token shows the state of up to an hour ago.

        AdminGetUser counts against the quota of UserRead operations of the account and region
        (docs.aws.amazon.com/cognito/latest/developerguide/quotas.html); over it, a ticket is
        rate_limited. Raises ChatError unauthorized, forbidden.
        """
        try:
            found = self._cognito.admin_get_user(UserPoolId=self._pool, Username=user)
        except ClientError as error:
            if code_of(error) == "UserNotFoundException":
                raise ChatError("unauthorized", "there is no such account any more") from None
            raise
        if not found["Enabled"]:
            raise disabled()
        if found["UserStatus"] == "RESET_REQUIRED":
            raise ChatError("forbidden", RESET)
        if found["UserStatus"] == "FORCE_CHANGE_PASSWORD":
            raise ChatError("forbidden", TEMPORARY)

    def sign_out(self, user: str) -> None:
        """Ends all refresh tokens of the user.

        AWS lists NotAuthorizedException without a reason. For a disabled user there is nothing to
        end: it gets no token, and its former tokens stay invalid once it is enabled again
        (SignIns).
        """
        try:
            self._cognito.admin_user_global_sign_out(UserPoolId=self._pool, Username=user)
        except ClientError as error:
            if code_of(error) != "NotAuthorizedException":
                raise

    def delete(self, user: str) -> None:
        """Idempotent."""
        try:
            self.sign_out(user)
            self._cognito.admin_delete_user(UserPoolId=self._pool, Username=user)
        except ClientError as error:
            if code_of(error) != "UserNotFoundException":
                raise

    def exists(self, user: str) -> bool:
        try:
            self._cognito.admin_get_user(UserPoolId=self._pool, Username=user)
        except ClientError as error:
            if code_of(error) == "UserNotFoundException":
                return False
            raise
        return True

    def disable(self, user: str) -> None:
        """Nobody signs in or refreshes a token from now on. Raises ChatError not_found."""
        self._of_existing(self._cognito.admin_disable_user, user)

    def enable(self, user: str) -> None:
        """Raises ChatError not_found."""
        self._of_existing(self._cognito.admin_enable_user, user)

    def _of_existing(self, act: Callable[..., object], user: str) -> None:
        try:
            act(UserPoolId=self._pool, Username=user)
        except ClientError as error:
            if code_of(error) == "UserNotFoundException":
                raise not_found(f"there is no account {user}") from None
            raise

    def _confirm(self, user: str) -> None:
        self._cognito.admin_confirm_sign_up(UserPoolId=self._pool, Username=user)

    def _initiate(
        self, flow: "AuthFlowTypeType", parameters: Mapping[str, str], wrong: str
    ) -> Tokens:
        response = self._authenticate(flow, parameters, wrong)
        if response.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
            raise ChatError("forbidden", TEMPORARY)
        return _tokens(response)

    def _authenticate(
        self, flow: "AuthFlowTypeType", parameters: Mapping[str, str], wrong: str
    ) -> "InitiateAuthResponseTypeDef":
        try:
            return self._cognito.initiate_auth(
                ClientId=self._client_id, AuthFlow=flow, AuthParameters=parameters
            )
        except ClientError as error:
            match code_of(error):
                case "UserNotConfirmedException":
                    raise Unconfirmed from None
                case "PasswordResetRequiredException":
                    raise ChatError("forbidden", RESET) from None
                case code if code in WRONG:
                    raise ChatError("unauthorized", wrong) from None
            raise


def accounts(aws: Aws) -> Accounts:
    settings = aws.settings
    return Accounts(aws.cognito, settings["USER_POOL_ID"], settings["USER_POOL_CLIENT_ID"])


def one_form(password: str) -> str:
    """A password in the one form that Cognito compares, whichever keyboard it was typed on.

    The additional mapping and normalization rules of RFC 8265's OpaqueString, section 4.2.2:
    spaces are U+0020, and characters are composed (NFC). Apple's and other systems differ in this.
    """
    spaces = (" " if unicodedata.category(each) == "Zs" else each for each in password)
    return unicodedata.normalize("NFC", "".join(spaces))


def _tokens(response: "InitiateAuthResponseTypeDef") -> Tokens:
    if "AuthenticationResult" not in response:
        # a challenge, such as a second factor, that an administrator set up
        raise ChatError("forbidden", "this account needs a step that is not offered here")
    result = response["AuthenticationResult"]
    return Tokens(result["AccessToken"], result["ExpiresIn"], result.get("RefreshToken"))


class Unconfirmed(Exception):
    """The account exists, but was never confirmed."""


def taken(user: str) -> ChatError:
    return ChatError("conflict", f"the name {user} is taken")


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
