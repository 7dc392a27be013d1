"""The AWS server denies what a role does not allow, in the form of each service."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator import credentials
from emulator.iam.account import Account, Role, Session
from tests import aws_servers

ROLE = "arn:aws:iam::123456789012:role/app"
USER = "arn:aws:sts::123456789012:assumed-role/app/chat-send"
HERE = "us-east-1:123456789012"
KEY = "Send-0a1b2c"
ALLOWED = [
    {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": f"arn:aws:dynamodb:{HERE}:table/chats"},
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::files/*"},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::listed"},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::listed/*"},
    {"Effect": "Allow", "Action": "sqs:*", "Resource": f"arn:aws:sqs:{HERE}:dead"},
]  # fmt: skip


class Server(NamedTuple):
    """The server, with a role that `ALLOWED` is about."""

    url: str

    def client(
        self, service: str, variables: Mapping[str, str] | None = None, **config: Any
    ) -> Any:
        known = credentials.variables(KEY) if variables is None else variables
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=known.get("AWS_SESSION_TOKEN"),
            config=Config(s3={"addressing_style": "path"}, **config),
        )

    def administrator(self, service: str) -> Any:
        return self.client(
            service, {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
        )

    def set_mode(self, mode: str) -> None:
        policy = {"Version": "2012-10-17", "Statement": ALLOWED}
        account = Account(
            mode=mode,
            roles={ROLE: Role(ROLE, "AROAAPP", policies={"Default": policy})},
            sessions={"Send": Session(ROLE, "chat-send")},
        )
        body = json.dumps(account.as_json()).encode()
        headers = {"Content-Type": "application/json"}
        url = f"{self.url}/_local/permissions"
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method="PUT")):
            pass


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with aws_servers.running() as url:
        found = Server(url)
        key = [{"AttributeName": "id", "AttributeType": "S"}]
        found.administrator("dynamodb").create_table(
            TableName="chats",
            AttributeDefinitions=key,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for bucket in ("files", "listed"):
            found.administrator("s3").create_bucket(Bucket=bucket)
        found.set_mode("enforce")
        yield found


def failure(call: Callable[..., Any], **given: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**given)
    response = caught.value.response
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


DENIED, EXCEPTION = "AccessDenied", "AccessDeniedException"
# service, operation, what it is given, status, code, how the service spells action and resource
ROWS: list[tuple[str, str, dict[str, Any], int, str, str, str]] = [
    ("dynamodb", "get_item", {"TableName": "chats", "Key": {"id": {"S": "a"}}}, 400, EXCEPTION, "dynamodb:GetItem", f"arn:aws:dynamodb:{HERE}:table/chats"),
    ("sqs", "send_message", {"QueueUrl": "http://x/123456789012/q", "MessageBody": "x"}, 403, DENIED, "sqs:sendmessage", f"arn:aws:sqs:{HERE}:q"),
    ("sns", "publish", {"TopicArn": f"arn:aws:sns:{HERE}:t", "Message": "x"}, 403, "AuthorizationError", "SNS:Publish", f"arn:aws:sns:{HERE}:t"),
    ("s3", "delete_object", {"Bucket": "files", "Key": "a"}, 403, DENIED, "s3:DeleteObject", '"arn:aws:s3:::files/a"'),
    ("cognito-idp", "admin_get_user", {"UserPoolId": "us-east-1_a", "Username": "x"}, 400, EXCEPTION, "cognito-idp:AdminGetUser", f"arn:aws:cognito-idp:{HERE}:userpool/us-east-1_a"),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}, 400, EXCEPTION, "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:s"),
    ("kms", "get_public_key", {"KeyId": "k"}, 400, EXCEPTION, "kms:GetPublicKey", f"arn:aws:kms:{HERE}:key/k"),
    ("cloudformation", "describe_stacks", {"StackName": "s"}, 403, DENIED, "cloudformation:DescribeStacks", f"arn:aws:cloudformation:{HERE}:stack/s/*"),
    ("logs", "describe_log_groups", {}, 400, EXCEPTION, "logs:DescribeLogGroups", "*"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_call_that_is_not_allowed_fails_as_the_service_s_do(server: Server, row: Any) -> None:
    service, operation, given, status, code, action, resource = row
    found = failure(getattr(server.client(service), operation), **given)
    message = (
        f"User: {USER} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    assert found == (status, code, message)


def test_a_redrive_needs_to_send_to_the_queues_that_the_messages_came_from(server: Server) -> None:
    administrator = server.administrator("sqs")
    administrator.create_queue(QueueName="dead")
    dead = f"arn:aws:sqs:{HERE}:dead"
    policy = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1})
    administrator.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": policy})
    sqs = server.client("sqs")
    _, code, message = failure(sqs.start_message_move_task, SourceArn=dead)
    assert code == DENIED
    assert f"sqs:sendmessage on resource: arn:aws:sqs:{HERE}:jobs " in message
    task = administrator.start_message_move_task(SourceArn=dead)["TaskHandle"]
    _, code, _ = failure(sqs.cancel_message_move_task, TaskHandle=task)
    assert code == "ResourceNotFoundException"  # it may, but the task has ended


def test_what_is_allowed_is_done_and_the_administrator_may_do_all(server: Server) -> None:
    server.client("dynamodb").put_item(TableName="chats", Item={"id": {"S": "a"}})
    found = server.administrator("dynamodb").get_item(TableName="chats", Key={"id": {"S": "a"}})
    assert found["Item"] == {"id": {"S": "a"}}


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("dynamodb", "list_tables", (400, "UnrecognizedClientException")),
        ("sqs", "list_queues", (403, "InvalidClientTokenId")),
        ("sns", "list_topics", (403, "InvalidClientTokenId")),
        ("s3", "list_buckets", (403, "InvalidAccessKeyId")),
        ("kms", "list_keys", (400, "UnrecognizedClientException")),
    ],
)
def test_keys_that_nobody_gave_out_are_not_known(
    server: Server, service: str, operation: str, expected: tuple[int, str]
) -> None:
    strangers = [
        {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"},
        {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "local"},
        {**credentials.variables(KEY), "AWS_SESSION_TOKEN": "another"},
        credentials.variables("Nobody-0a1b2c"),
    ]
    for variables in strangers:
        found = failure(getattr(server.client(service, variables), operation))
        assert found[:2] == expected


def test_a_call_without_a_signature_is_denied_where_one_is_needed(server: Server) -> None:
    dynamodb = server.client("dynamodb", signature_version=UNSIGNED)
    assert failure(dynamodb.list_tables)[:2] == (400, "MissingAuthenticationTokenException")
    pool = server.administrator("cognito-idp").create_user_pool(PoolName="p")["UserPool"]["Id"]
    made = server.administrator("cognito-idp").create_user_pool_client(
        UserPoolId=pool, ClientName="c"
    )
    people = server.client("cognito-idp")
    client = made["UserPoolClient"]["ClientId"]
    people.sign_up(ClientId=client, Username="ravi", Password="Correct-horse-7")


def test_without_permission_to_list_a_bucket_an_absent_object_is_403(server: Server) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: 404 with s3:ListBucket, else
    403."""
    assert failure(server.client("s3").get_object, Bucket="listed", Key="absent")[:2] == (
        404,
        "NoSuchKey",
    )
    absent = {"Bucket": "files", "Key": "absent"}
    assert failure(server.client("s3").get_object, **absent)[:2] == (403, DENIED)
    assert failure(server.administrator("s3").get_object, **absent)[0] == 404


def test_a_presigned_request_may_do_what_its_signer_may(server: Server) -> None:
    s3 = server.client("s3", signature_version="s3v4")
    server.administrator("s3").put_object(Bucket="files", Key="there", Body=b"x")

    def status(operation: str, method: str = "GET", **given: str) -> int:
        url = s3.generate_presigned_url(operation, Params=given)
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method=method)) as found:
                return int(found.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert status("get_object", Bucket="files", Key="there") == 200
    assert status("get_object", Bucket="files", Key="absent") == 403
    assert status("delete_object", "DELETE", Bucket="files", Key="there") == 403


def test_a_presigned_form_may_put_what_its_signer_may(server: Server) -> None:
    def status(bucket: str, key: str) -> int:
        client = server.client("s3", signature_version="s3v4")
        form = client.generate_presigned_post(bucket, key)
        parts = [*form["fields"].items(), ("file", "x")]
        body = "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts
        )
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        request = urllib.request.Request(f"{server.url}/{bucket}", f"{body}--b--".encode(), headers)
        try:
            with urllib.request.urlopen(request) as found:
                return int(found.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert status("files", "a") == 204
    assert status("listed", "a") == 403


def test_a_warning_lets_the_call_through(server: Server) -> None:
    server.set_mode("warn")
    try:
        server.client("dynamodb").get_item(TableName="chats", Key={"id": {"S": "a"}})
        stranger = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
        server.client("dynamodb", stranger).list_tables()
    finally:
        server.set_mode("enforce")
