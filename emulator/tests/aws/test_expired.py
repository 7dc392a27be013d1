"""Expired receipt handles, and access tokens of accounts that may not use them any more, are
rejected.

Sources: SQS API reference, ChangeMessageVisibility and DeleteMessage; Cognito's, the "Errors" of
GetUser, ChangePassword, GlobalSignOut, InitiateAuth, AdminInitiateAuth, SignUp and ConfirmSignUp.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

PASSWORD = "Passw0rd!"
FLOWS: Any = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
]


def code(call: Callable[[], Any]) -> str:
    """Of the error; empty where there is none."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"]).rpartition(".")[2]
    return ""


class Queue:
    def __init__(self, aws: str, *, fifo: bool) -> None:
        self.sqs: Any = boto3.client("sqs", endpoint_url=aws)
        name = f"{uuid.uuid4()}{'.fifo' if fifo else ''}"
        attributes: Any = {"FifoQueue": "true"} if fifo else {}
        made = self.sqs.create_queue(QueueName=name, Attributes=attributes)
        self.url, self.fifo = made["QueueUrl"], fifo

    def send(self, id_: str = "d") -> dict[str, Any]:
        more: Any = {"MessageGroupId": "g", "MessageDeduplicationId": id_} if self.fifo else {}
        return dict(self.sqs.send_message(QueueUrl=self.url, MessageBody="x", **more))

    def receive(self, visibility: int) -> str:
        found = self.sqs.receive_message(QueueUrl=self.url, VisibilityTimeout=visibility)
        return str(found["Messages"][0]["ReceiptHandle"])

    def delete(self, handle: str) -> str:
        return code(lambda: self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle))

    def hide(self, handle: str) -> str:
        call = self.sqs.change_message_visibility
        return code(lambda: call(QueueUrl=self.url, ReceiptHandle=handle, VisibilityTimeout=9))

    def failed(self, operation: str, handle: str) -> list[str]:
        entry: Any = {"Id": "a", "ReceiptHandle": handle}
        if operation != "delete_message_batch":
            entry |= {"VisibilityTimeout": 9}
        found = getattr(self.sqs, operation)(QueueUrl=self.url, Entries=[entry])
        return [each["Code"] for each in found.get("Failed", [])]


def test_a_standard_queue_deletes_by_an_expired_handle_and_hides_nothing_by_it(aws: str) -> None:
    queue = Queue(aws, fifo=False)
    queue.send()
    old = queue.receive(0)
    assert queue.hide(old) == "MessageNotInflight"
    assert queue.failed("change_message_visibility_batch", old) == ["MessageNotInflight"]
    newest = queue.receive(60)
    assert queue.hide(newest) == ""
    assert queue.delete(old) == ""
    assert queue.hide(newest) == "InvalidParameterValue"  # "does not exist"
    assert queue.delete("x") == queue.hide("x") == "ReceiptHandleIsInvalid"


def test_a_fifo_queue_does_nothing_by_an_expired_handle(aws: str) -> None:
    queue = Queue(aws, fifo=True)
    queue.send()
    old = queue.receive(0)
    assert queue.delete(old) == queue.hide(old) == "InvalidParameterValue"
    newest = queue.receive(60)
    assert queue.delete(old) == "InvalidParameterValue"
    assert queue.failed("delete_message_batch", old) == ["ReceiptHandleIsInvalid"]
    assert queue.failed("delete_message_batch", newest) == []
    assert queue.delete(newest) == ""


def test_a_message_sent_again_gets_the_response_of_the_first_one(aws: str) -> None:
    queue = Queue(aws, fifo=True)
    first, again, other = queue.send("d"), queue.send("d"), queue.send("e")
    for name in ("MessageId", "SequenceNumber"):
        assert first[name] == again[name] != other[name]


class Account:
    """ravi, confirmed, signed in."""

    def __init__(self, aws: str, **pool: Any) -> None:
        self.cognito: Any = boto3.client("cognito-idp", endpoint_url=aws)
        made = self.cognito.create_user_pool(PoolName=str(uuid.uuid4()), **pool)
        self.pool = made["UserPool"]["Id"]
        client = self.cognito.create_user_pool_client(
            UserPoolId=self.pool, ClientName="c", ExplicitAuthFlows=FLOWS
        )
        self.client = client["UserPoolClient"]["ClientId"]
        self.cognito.sign_up(ClientId=self.client, Username="ravi", Password=PASSWORD)
        assert self.sign_in("admin_initiate_auth") == "UserNotConfirmedException"
        self.cognito.admin_confirm_sign_up(UserPoolId=self.pool, Username="ravi")
        tokens = self._auth()["AuthenticationResult"]
        self.access, self.refresh_token = tokens["AccessToken"], tokens["RefreshToken"]

    def _auth(self) -> Any:
        return self.cognito.initiate_auth(
            ClientId=self.client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ravi", "PASSWORD": PASSWORD},
        )

    def sign_in(self, operation: str, flow: str = "", **given: str) -> str:
        admin: dict[str, Any] = {"UserPoolId": self.pool} if "admin" in operation else {}
        call = getattr(self.cognito, operation)
        flow = flow or ("ADMIN_USER_PASSWORD_AUTH" if admin else "USER_PASSWORD_AUTH")
        parameters = {"USERNAME": "ravi", "PASSWORD": PASSWORD, **given}
        parameters = {name: value for name, value in parameters.items() if value}
        return code(
            lambda: call(ClientId=self.client, AuthFlow=flow, AuthParameters=parameters, **admin)
        )

    def all(self) -> set[str]:
        """The errors of all that the account's tokens were good for, and of signing in."""
        refresh = {"REFRESH_TOKEN": self.refresh_token}
        change = {"PreviousPassword": PASSWORD, "ProposedPassword": "0therPass!"}
        cognito, token = self.cognito, self.access
        email = [{"Name": "email", "Value": "ravi@example.com"}]
        return {
            self.sign_in("initiate_auth"),
            self.sign_in("admin_initiate_auth"),
            self.sign_in("initiate_auth", "REFRESH_TOKEN_AUTH", **refresh),
            self.sign_in("admin_initiate_auth", "REFRESH_TOKEN_AUTH", **refresh),
            code(lambda: cognito.get_user(AccessToken=token)),
            code(lambda: cognito.change_password(AccessToken=token, **change)),
            code(lambda: cognito.update_user_attributes(AccessToken=token, UserAttributes=email)),
            code(lambda: cognito.global_sign_out(AccessToken=token)),
        }


def test_a_disabled_account_can_do_nothing(aws: str) -> None:
    account = Account(aws)
    account.cognito.admin_disable_user(UserPoolId=account.pool, Username="ravi")
    assert account.all() == {"NotAuthorizedException"}


def test_an_account_whose_password_has_to_be_reset_can_do_nothing(aws: str) -> None:
    account = Account(aws)
    account.cognito.admin_update_user_attributes(
        UserPoolId=account.pool,
        Username="ravi",
        UserAttributes=[
            {"Name": "email", "Value": "ravi@example.com"},
            {"Name": "email_verified", "Value": "true"},
        ],
    )
    account.cognito.admin_reset_user_password(UserPoolId=account.pool, Username="ravi")
    assert account.all() == {"PasswordResetRequiredException"}


def test_a_deleted_account_can_do_nothing(aws: str) -> None:
    account = Account(aws)
    account.cognito.admin_delete_user(UserPoolId=account.pool, Username="ravi")
    assert account.all() == {"NotAuthorizedException", "UserNotFoundException"}


@pytest.mark.parametrize("lacks", ["USERNAME", "PASSWORD"])
@pytest.mark.parametrize("operation", ["initiate_auth", "admin_initiate_auth"])
def test_a_sign_in_has_all_its_parameters(aws: str, lacks: str, operation: str) -> None:
    account = Account(aws)
    assert account.sign_in(operation, **{lacks: ""}) == "InvalidParameterException"
    assert account.sign_in(operation, "REFRESH_TOKEN_AUTH") == "InvalidParameterException"
    assert account.sign_in("initiate_auth", "ADMIN_NO_SRP_AUTH") == "InvalidParameterException"
    assert account.sign_in("admin_initiate_auth", PASSWORD="Wr0ng!") == "NotAuthorizedException"


def test_an_account_is_confirmed_once_and_by_no_code_that_nobody_mailed(aws: str) -> None:
    account = Account(aws)
    cognito, pool = account.cognito, account.pool
    cognito.sign_up(ClientId=account.client, Username="raju", Password=PASSWORD)
    confirm = {"ClientId": account.client, "ConfirmationCode": "123456"}
    assert code(lambda: cognito.confirm_sign_up(Username="raju", **confirm)) == (
        "ExpiredCodeException"
    )
    for name in ("raju", "raju", "ravi"):
        found = code(partial(cognito.admin_confirm_sign_up, UserPoolId=pool, Username=name))
        assert found in ("", "NotAuthorizedException")
    assert found == "NotAuthorizedException"
    sign_up = {"ClientId": account.client, "Username": "x", "Password": PASSWORD}
    other = [{"Name": "shoe_size", "Value": "43"}]
    assert code(lambda: cognito.sign_up(**sign_up, UserAttributes=other)) == (
        "InvalidParameterException"
    )
