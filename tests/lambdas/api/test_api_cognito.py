"""Cognito's errors as errors of the protocol, with a fake client that follows a script."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from lambdas.api.app import error_of
from lambdas.api.cognito import RESET, Accounts, Tokens
from lambdas.errors import ChatError
from tests.support.rows import rows


class Cognito:
    """Gives back a script: a fault's code, or an answer, for each call in turn."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**_request: Any) -> Any:
            self.calls.append(operation)
            response = self.script.pop(0)
            if isinstance(response, str):
                error = {"Error": {"Code": response, "Message": f"says {response}"}}
                raise ClientError(cast(Any, error), operation)
            return response

        return call


SIGNED_IN = {
    "AuthenticationResult": {"AccessToken": "a", "ExpiresIn": 3600, "RefreshToken": "r"},
}


def accounts(*script: Any) -> tuple[Accounts, Cognito]:
    cognito = Cognito(*script)
    return Accounts(cast(Any, cognito), "pool", "client"), cognito


def error_of_call(call: Callable[[], Any]) -> ChatError:
    with pytest.raises(ChatError) as error:
        call()
    return error.value


def test_signing_up_confirms_at_once() -> None:
    able, cognito = accounts({}, {})
    able.create("ravi", "password")
    assert cognito.calls == ["sign_up", "admin_confirm_sign_up"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("InvalidPasswordException", "bad_request"),
        ("InvalidParameterException", "bad_request"),
    ],
)
def test_the_errors_of_cognito_at_sign_up(fault: str, code: str) -> None:
    assert error_of_call(lambda: accounts(fault)[0].create("ravi", "password")).code == code


def test_the_error_of_a_weak_password_names_what_it_lacks() -> None:
    error = error_of_call(
        lambda: accounts("InvalidPasswordException")[0].create("ravi", "password")
    )
    assert error.message == "says InvalidPasswordException"


def test_signing_in_gives_tokens() -> None:
    able, cognito = accounts(SIGNED_IN)
    assert able.sign_in("ravi", "password") == Tokens("a", 3600, "r")
    assert cognito.calls == ["initiate_auth"]


WRONG = ("NotAuthorizedException", "UserNotFoundException", "InvalidParameterException")


def test_whatever_is_wrong_with_name_or_password_is_worded_the_same() -> None:
    for fault in WRONG:
        able, _ = accounts(fault)
        with pytest.raises(ChatError) as error:
            able.sign_in("ravi", "x")
        assert error.value.code == "unauthorized"
        assert error.value.message == "the username or the password is wrong"


@pytest.mark.parametrize(
    "fault",
    ["TooManyRequestsException", "TooManyFailedAttemptsException", "LimitExceededException"],
)
def test_too_many_attempts_are_rate_limited(fault: str) -> None:
    for call in (
        lambda: accounts(fault)[0].sign_in("ravi", "x"),
        lambda: accounts(fault)[0].refresh("token"),
        lambda: accounts(fault)[0].create("ravi", "x"),
        lambda: accounts({}, fault)[0].create("ravi", "x"),
        lambda: accounts("UsernameExistsException", fault)[0].create("ravi", "x"),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert error_of(error.value).code == "rate_limited"


def test_a_sign_up_that_is_repeated_with_its_password_is_no_conflict() -> None:
    able, cognito = accounts("UsernameExistsException", SIGNED_IN)
    able.create("ravi", "password")
    assert cognito.calls == ["sign_up", "initiate_auth"]
    # also if it failed before it was confirmed
    able, cognito = accounts("UsernameExistsException", "UserNotConfirmedException", {}, SIGNED_IN)
    able.create("ravi", "password")
    assert cognito.calls[-2:] == ["admin_confirm_sign_up", "initiate_auth"]


@pytest.mark.parametrize("fault", ["NotAuthorizedException", "UserNotFoundException"])
def test_a_name_that_is_somebody_elses_is_taken(fault: str) -> None:
    able, _ = accounts("UsernameExistsException", fault)
    error = error_of_call(lambda: able.create("ravi", "password"))
    assert (error.code, error.message) == ("conflict", "the name ravi is taken")


def test_an_account_that_was_never_confirmed_is_and_the_password_still_decides() -> None:
    able, cognito = accounts("UserNotConfirmedException", {}, SIGNED_IN)
    assert able.sign_in("ravi", "password").access_token == "a"
    assert cognito.calls == ["initiate_auth", "admin_confirm_sign_up", "initiate_auth"]
    able, _ = accounts("UserNotConfirmedException", {}, "NotAuthorizedException")
    assert error_of_call(lambda: able.sign_in("ravi", "guess")).code == "unauthorized"


def test_a_step_that_only_an_administrator_sets_up_is_forbidden() -> None:
    able, _ = accounts({"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s"})
    assert error_of_call(lambda: able.sign_in("ravi", "x")).code == "forbidden"


def test_a_password_that_has_to_be_reset_says_so() -> None:
    calls: list[Callable[[Accounts], Any]] = [
        lambda able: able.sign_in("ravi", "x"),
        lambda able: able.refresh("x"),
        lambda able: able.change_password("ravi", "x", "y"),
    ]
    for call in calls:
        with pytest.raises(ChatError) as error:
            call(accounts("PasswordResetRequiredException")[0])
        assert (error.value.code, error.value.message) == ("forbidden", RESET)


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ({"Enabled": True, "UserStatus": "CONFIRMED"}, None),
        ({"Enabled": False, "UserStatus": "CONFIRMED"}, "forbidden"),
        ({"Enabled": True, "UserStatus": "RESET_REQUIRED"}, "forbidden"),
        ({"Enabled": True, "UserStatus": "FORCE_CHANGE_PASSWORD"}, "forbidden"),
        ("UserNotFoundException", "unauthorized"),
    ],
)
def test_who_is_enabled_at_cognito(user: Any, code: str | None) -> None:
    able, _ = accounts(user)
    if code is None:
        able.require_enabled("ravi")
    else:
        assert error_of_call(lambda: able.require_enabled("ravi")).code == code


def test_a_refresh_keeps_the_refresh_token() -> None:
    response = {"AuthenticationResult": {"AccessToken": "b", "ExpiresIn": 60}}
    assert accounts(response)[0].refresh("token") == Tokens("b", 60, None)
    assert (
        error_of_call(lambda: accounts("NotAuthorizedException")[0].refresh("x")).code
        == "unauthorized"
    )


DONE: dict[str, object] = {}
# What each method asks of Cognito at last, after what succeeds before it; and what each fault of
# that means for the user: the code of an error, or DONE where there is nothing to say.
WRONG_PASSWORD = {
    **dict.fromkeys(WRONG, "unauthorized"),
    "PasswordResetRequiredException": "forbidden",
}
WRONG_CODE = dict.fromkeys(("CodeMismatchException", "ExpiredCodeException"), "bad_request")
REJECTED = dict.fromkeys(("InvalidPasswordException", "InvalidParameterException"), "bad_request")
NO_CODE_SENT = {
    *WRONG,
    "UserNotConfirmedException",
    "LimitExceededException",
    "CodeDeliveryFailureException",
}
METHODS: dict[str, tuple[Callable[[Accounts], Any], list[Any], dict[str, Any]]] = {
    "create": (lambda able: able.create("ravi", "x"), [], REJECTED),
    "create, confirming": (lambda able: able.create("ravi", "x"), [{}], {}),
    "sign_in": (lambda able: able.sign_in("ravi", "x"), [], WRONG_PASSWORD),
    "refresh": (lambda able: able.refresh("x"), [], WRONG_PASSWORD),
    "revoke": (
        lambda able: able.revoke("x"),
        [],
        dict.fromkeys(
            ("InvalidParameterException", "UnsupportedTokenTypeException", "UnauthorizedException"),
            DONE,
        ),
    ),
    "change_password": (
        lambda able: able.change_password("ravi", "x", "y"),
        [SIGNED_IN],
        REJECTED,
    ),
    "change_password, of a temporary one": (
        lambda able: able.change_password("ravi", "x", "y"),
        [{"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s"}],
        REJECTED,
    ),
    "set_email": (
        lambda able: able.set_email("ravi", "x", "ravi@example.com"),
        [SIGNED_IN],
        dict.fromkeys(("CodeDeliveryFailureException", "InvalidParameterException"), "bad_request"),
    ),
    "confirm_email": (
        lambda able: able.confirm_email("token", "123456"),
        [],
        {**WRONG_CODE, "NotAuthorizedException": "unauthorized"},
    ),
    "send_reset_code": (
        lambda able: able.send_reset_code("ravi"),
        [],
        dict.fromkeys(NO_CODE_SENT, DONE),
    ),
    "reset_password": (
        lambda able: able.reset_password("ravi", "123456", "y"),
        [],
        {
            **WRONG_CODE,
            **dict.fromkeys(NO_CODE_SENT - {"CodeDeliveryFailureException"}, "bad_request"),
            "InvalidPasswordException": "bad_request",
        },
    ),
    "require_enabled": (
        lambda able: able.require_enabled("ravi"),
        [],
        {"UserNotFoundException": "unauthorized"},
    ),
    "sign_out": (lambda able: able.sign_out("ravi"), [], {"NotAuthorizedException": DONE}),
    "delete": (lambda able: able.delete("ravi"), [{}], {"UserNotFoundException": DONE}),
    "exists": (lambda able: able.exists("ravi"), [], {"UserNotFoundException": DONE}),
    "disable": (lambda able: able.disable("ravi"), [], {"UserNotFoundException": "not_found"}),
    "enable": (lambda able: able.enable("ravi"), [], {"UserNotFoundException": "not_found"}),
}
# Those lead to another call: they have tests above.
GOES_ON = {
    "create": "UsernameExistsException",
    "sign_in": "UserNotConfirmedException",
    "refresh": "UserNotConfirmedException",
}
FAULTS = {
    "InternalErrorException",
    "ResourceNotFoundException",
    "TooManyRequestsException",
    "UsernameExistsException",
    *(fault for _, _, found in METHODS.values() for fault in found),
}


@rows("name", METHODS)
def test_each_fault_of_cognito_is_the_users_error_or_ours(name: str) -> None:
    call, before, expected = METHODS[name]
    found: dict[str, Any] = {}
    for fault in FAULTS - {GOES_ON.get(name)}:
        able, _ = accounts(*before, fault, {})
        try:
            call(able)
            found[fault] = DONE
        except ChatError as error:
            found[fault] = error.code
        except ClientError:  # AWS's throttling, or a fault of ours
            continue
    assert found == expected


def test_a_sign_in_that_was_for_setting_an_address_ends_whatever_happens() -> None:
    for script in ([SIGNED_IN, {}, {}], [SIGNED_IN, "InternalErrorException", {}]):
        able, cognito = accounts(*script)
        try:
            able.set_email("ravi", "x", "ravi@example.com")
        except ClientError:
            assert "InternalErrorException" in script
        assert cognito.calls[-1] == "revoke_token"
