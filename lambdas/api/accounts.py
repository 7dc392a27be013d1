"""POST /api/sign-up, /api/sign-in, /api/token: open routes that end in an access token."""

from lambdas.api.call import Answer, Call
from lambdas.api.cognito import Accounts
from lambdas.presence.store import Devices


def sign_up(call: Call) -> Answer:
    user = call.body["username"]
    _accounts(call).create(user, call.body["password"])
    Devices(call.aws.users).create_user(user)
    return Answer(201, {"user": user})


def sign_in(call: Call) -> Answer:
    user = call.body["username"]
    tokens = _accounts(call).sign_in(user, call.body["password"])
    Devices(call.aws.users).create_user(user)  # heals a sign-up that died before it did
    return Answer(200, tokens._asdict())


def refresh(call: Call) -> Answer:
    tokens = _accounts(call).refresh(call.body["refresh_token"])
    return Answer(200, {"access_token": tokens.access_token, "expires_in": tokens.expires_in})


def _accounts(call: Call) -> Accounts:
    settings = call.aws.settings
    return Accounts(call.aws.cognito, settings["USER_POOL_ID"], settings["USER_POOL_CLIENT_ID"])
