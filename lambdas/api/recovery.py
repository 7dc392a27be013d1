"""A forgotten password: PUT /api/account/email, POST /api/account/email/confirm,
/api/password/reset and /api/password/reset/confirm.

Where the environment has `password_reset`, Cognito mails a code to an address that the user has
confirmed before. The address is Cognito's alone: it is in no table, and in no response.
"""

from lambdas.api.accounts import limit_address, require_done_before, signed_in
from lambdas.api.call import Call, Response
from lambdas.api.cognito import accounts
from lambdas.api.removal import end_sign_ins
from lambdas.errors import ChatError, forbidden
from lambdas.limits import CODES, MAILS, MAILS_BY_ADDRESS, SIGN_INS, Limit, Limits

OFF = "passwords are not reset by mail here: ask who runs this service"


def set_email(call: Call) -> Response:
    _require_on(call)
    _limit_user(call, call.user, "mails", MAILS)
    accounts(call.aws).set_email(call.user, call.body["password"], call.body["email"])
    return Response(200, {"sent": True})


def confirm_email(call: Call) -> Response:
    _require_on(call)
    _limit_user(call, call.user, "codes", CODES)
    accounts(call.aws).confirm_email(call.by.access_token, call.body["code"])
    return Response(200, {"confirmed": True})


def reset(call: Call) -> Response:
    """The same for every name, so that nobody finds out who has an account."""
    _require_on(call)
    user = call.body["username"]
    limit_address(call, "mails", MAILS_BY_ADDRESS)
    _limit_user(call, user, "mails", MAILS)
    accounts(call.aws).send_reset_code(user)
    return Response(200, {"sent": True})


def confirm_reset(call: Call) -> Response:
    """Sets the password, and ends all sign-ins of the user at once: somebody else may know the old
    one.
    """
    _require_on(call)
    aws, user, new = call.aws, call.body["username"], call.body["new_password"]
    limit_address(call, "sign-ins", SIGN_INS)
    _limit_user(call, user, "codes", CODES)
    try:
        accounts(aws).reset_password(user, call.body["code"], new)
    except ChatError as error:  # a code serves once
        require_done_before(call, error, user, new)
    accounts(aws).sign_out(user)
    end_sign_ins(aws, user)
    return Response(200, signed_in(aws, user, new))


def _require_on(call: Call) -> None:
    if not call.aws.settings.password_reset:
        raise forbidden(OFF)


def _limit_user(call: Call, user: str, name: str, limit: Limit) -> None:
    """Counts by the name, whether or not there is such a user."""
    Limits(call.aws.users, call.aws.now).take(user, name, limit)
