"""What a call needs: each operation as boto3 sends it, with its actions and resources."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from tests.rows import rows

from emulator.iam.calls import call, messaging, table
from emulator.iam.calls.call import Call, Place

PLACE = Place("123456789012", "us-east-1")
HERE = "us-east-1:123456789012"
CHATS, USERS = f"arn:aws:dynamodb:{HERE}:table/chats", f"arn:aws:dynamodb:{HERE}:table/users"
KEY = {"pk": {"S": "chat-1"}}
STREAM = f"{CHATS}/stream/2026-11-29"
QUEUE = f"arn:aws:sqs:{HERE}:jobs.fifo"
OTHER_QUEUE, DEAD = f"arn:aws:sqs:{HERE}:others.fifo", f"arn:aws:sqs:{HERE}:dead.fifo"
OF_DEAD = {
    f"sqs:{action}": [DEAD] for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
}
QUEUE_URL = "http://127.0.0.1/123456789012/jobs.fifo"
ROLE = "arn:aws:iam::123456789012:role/logs"
APPLICATION = f"arn:aws:sns:{HERE}:app/GCM/chat"
ENDPOINT = f"arn:aws:sns:{HERE}:endpoint/GCM/chat/0a1b"
TOPIC = f"arn:aws:sns:{HERE}:alarms"
POOL = f"arn:aws:cognito-idp:{HERE}:userpool/us-east-1_abc"
SECRET = f"arn:aws:secretsmanager:{HERE}:secret:fcm-AbCdEf"
SIGNING = f"arn:aws:kms:{HERE}:key/1234"
STACK = f"arn:aws:cloudformation:{HERE}:stack/chat/0000"


class Names:
    def secret(self, identifier: str) -> str | None:
        return {"fcm": SECRET, SECRET: SECRET}.get(identifier)

    def key(self, identifier: str) -> str | None:
        return SIGNING if identifier in ("1234", SIGNING, "alias/web-push") else None

    def dead_letter_sources(self, queue: str) -> list[str]:
        return [QUEUE, OTHER_QUEUE] if queue == DEAD else []

    def partition_key(self, table: str, index: str | None) -> str | None:
        return {None: "pk", "by-mail": "mail"}[index]


def sent(service: str, operation: str, given: dict[str, Any]) -> tuple[Call, bytes]:
    """The call that boto3 makes, as it is read from its request."""
    caught: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> None:
        caught.append(request)
        raise InterruptedError

    client = boto3.client(  # type: ignore[call-overload]
        service,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="Send-0a1b2c",
        aws_secret_access_key="local",
        aws_session_token="token",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.meta.events.register("before-send", catch)
    with pytest.raises(InterruptedError):
        getattr(client, operation)(**given)
    (request,) = caught
    url = urlsplit(request.url)
    headers = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    query = parse_qsl(url.query, keep_blank_values=True)
    return call.read(request.method, unquote(url.path), query, Lowered(headers), body), body


class Lowered(dict[str, str]):
    """Headers, asked for in any case."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


# service, operation, what it is given, {action: its resources}
Row = tuple[str, str, dict[str, Any], dict[str, list[str]]]
BOTH = {"chats": {"Keys": [KEY]}, "users": {"Keys": [KEY]}}
WRITTEN = {"chats": [{"PutRequest": {"Item": KEY}}], "users": [{"DeleteRequest": {"Key": KEY}}]}
CHECK = {"TableName": "chats", "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}
UPDATE = {"TableName": "users", "Key": KEY, "UpdateExpression": "SET a = :a"}
QUERIED = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "a"}}}
ENTRY = {"Id": "1", "ReceiptHandle": "r"}
ROWS: list[Row] = [
    ("dynamodb", "get_item", {"TableName": "chats", "Key": KEY}, {"dynamodb:GetItem": [CHATS]}),
    ("dynamodb", "get_item", {"TableName": CHATS, "Key": KEY}, {"dynamodb:GetItem": [CHATS]}),
    ("dynamodb", "put_item", {"TableName": "chats", "Item": KEY}, {"dynamodb:PutItem": [CHATS]}),
    ("dynamodb", "query", {"TableName": "chats", **QUERIED}, {"dynamodb:Query": [CHATS]}),
    ("dynamodb", "query", {"TableName": "chats", "IndexName": "by-mail", **QUERIED}, {"dynamodb:Query": [f"{CHATS}/index/by-mail"]}),
    ("dynamodb", "scan", {"TableName": "chats", "IndexName": "by-mail"}, {"dynamodb:Scan": [f"{CHATS}/index/by-mail"]}),
    ("dynamodb", "batch_get_item", {"RequestItems": BOTH}, {"dynamodb:BatchGetItem": [CHATS, USERS]}),
    ("dynamodb", "batch_write_item", {"RequestItems": WRITTEN}, {"dynamodb:BatchWriteItem": [CHATS, USERS]}),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"ConditionCheck": CHECK}, {"Update": UPDATE}, {"Put": {"TableName": "chats", "Item": KEY}}, {"Delete": {"TableName": "users", "Key": KEY}}]}, {"dynamodb:ConditionCheckItem": [CHATS], "dynamodb:UpdateItem": [USERS], "dynamodb:PutItem": [CHATS], "dynamodb:DeleteItem": [USERS]}),
    ("dynamodb", "transact_get_items", {"TransactItems": [{"Get": {"TableName": "chats", "Key": KEY}}]}, {"dynamodb:GetItem": [CHATS]}),
    ("dynamodb", "execute_statement", {"Statement": 'SELECT * FROM "chats" WHERE pk=?'}, {"dynamodb:PartiQLSelect": [CHATS]}),
    ("dynamodb", "execute_statement", {"Statement": 'select * from "chats"."by-mail"'}, {"dynamodb:PartiQLSelect": [f"{CHATS}/index/by-mail"]}),
    ("dynamodb", "batch_execute_statement", {"Statements": [{"Statement": 'INSERT INTO "users" VALUE {}'}]}, {"dynamodb:PartiQLInsert": [USERS]}),
    ("dynamodb", "list_tables", {}, {"dynamodb:ListTables": ["*"]}),
    ("dynamodbstreams", "describe_stream", {"StreamArn": STREAM}, {"dynamodb:DescribeStream": [STREAM]}),
    ("dynamodbstreams", "get_records", {"ShardIterator": f"{STREAM}|1|abc"}, {"dynamodb:GetRecords": [STREAM]}),
    ("dynamodbstreams", "list_streams", {}, {"dynamodb:ListStreams": ["*"]}),
    ("sqs", "send_message", {"QueueUrl": QUEUE_URL, "MessageBody": "x"}, {"sqs:SendMessage": [QUEUE]}),
    ("sqs", "send_message_batch", {"QueueUrl": QUEUE_URL, "Entries": [{"Id": "1", "MessageBody": "x"}]}, {"sqs:SendMessage": [QUEUE]}),
    ("sqs", "delete_message_batch", {"QueueUrl": QUEUE_URL, "Entries": [ENTRY]}, {"sqs:DeleteMessage": [QUEUE]}),
    ("sqs", "change_message_visibility_batch", {"QueueUrl": QUEUE_URL, "Entries": [ENTRY]}, {"sqs:ChangeMessageVisibility": [QUEUE]}),
    ("sqs", "get_queue_url", {"QueueName": "jobs.fifo"}, {"sqs:GetQueueUrl": [QUEUE]}),
    ("sqs", "list_queues", {}, {"sqs:ListQueues": ["*"]}),
    ("sqs", "start_message_move_task", {"SourceArn": DEAD, "DestinationArn": QUEUE}, {"sqs:StartMessageMoveTask": [DEAD], **OF_DEAD, "sqs:SendMessage": [QUEUE]}),
    ("sqs", "start_message_move_task", {"SourceArn": DEAD}, {"sqs:StartMessageMoveTask": [DEAD], **OF_DEAD, "sqs:SendMessage": [QUEUE, OTHER_QUEUE]}),
    ("sqs", "cancel_message_move_task", {"TaskHandle": messaging.move_handle("1", DEAD)}, {"sqs:CancelMessageMoveTask": [DEAD], **OF_DEAD}),
    ("sqs", "cancel_message_move_task", {"TaskHandle": "no handle"}, {"sqs:CancelMessageMoveTask": ["*"], **{key: ["*"] for key in OF_DEAD}}),
    ("sqs", "list_message_move_tasks", {"SourceArn": DEAD}, {"sqs:ListMessageMoveTasks": [DEAD], "sqs:GetQueueAttributes": [DEAD]}),
    ("sqs", "list_dead_letter_source_queues", {"QueueUrl": QUEUE_URL}, {"sqs:ListDeadLetterSourceQueues": [QUEUE]}),
    ("sns", "publish", {"TopicArn": TOPIC, "Message": "x"}, {"sns:Publish": [TOPIC]}),
    ("sns", "publish_batch", {"TopicArn": TOPIC, "PublishBatchRequestEntries": [{"Id": "1", "Message": "x"}]}, {"sns:Publish": [TOPIC]}),
    ("sns", "publish", {"TargetArn": ENDPOINT, "Message": "x"}, {"sns:Publish": [ENDPOINT, APPLICATION]}),
    ("sns", "set_endpoint_attributes", {"EndpointArn": ENDPOINT, "Attributes": {}}, {"sns:SetEndpointAttributes": [APPLICATION]}),
    ("sns", "create_platform_endpoint", {"PlatformApplicationArn": APPLICATION, "Token": "t"}, {"sns:CreatePlatformEndpoint": [APPLICATION]}),
    ("sns", "set_platform_application_attributes", {"PlatformApplicationArn": APPLICATION, "Attributes": {"SuccessFeedbackRoleArn": ROLE, "FailureFeedbackRoleArn": ROLE}}, {"sns:SetPlatformApplicationAttributes": [APPLICATION], "iam:PassRole": [ROLE]}),
    ("ssm", "get_parameter", {"Name": "/chat/log-level"}, {"ssm:GetParameter": [f"arn:aws:ssm:{HERE}:parameter/chat/log-level"]}),
    ("sns", "set_platform_application_attributes", {"PlatformApplicationArn": APPLICATION, "Attributes": {"SuccessFeedbackRoleArn": ""}}, {"sns:SetPlatformApplicationAttributes": [APPLICATION]}),
    ("sns", "create_platform_application", {"Platform": "GCM", "Name": "chat", "Attributes": {}}, {"sns:CreatePlatformApplication": [f"arn:aws:sns:{HERE}:app/*"]}),
    ("sns", "unsubscribe", {"SubscriptionArn": f"{TOPIC}:0a1b"}, {"sns:Unsubscribe": [TOPIC]}),
    ("cognito-idp", "admin_get_user", {"UserPoolId": "us-east-1_abc", "Username": "x"}, {"cognito-idp:AdminGetUser": [POOL]}),
    ("secretsmanager", "get_secret_value", {"SecretId": "fcm"}, {"secretsmanager:GetSecretValue": [SECRET]}),
    ("secretsmanager", "get_secret_value", {"SecretId": SECRET}, {"secretsmanager:GetSecretValue": [SECRET]}),
    ("secretsmanager", "batch_get_secret_value", {"SecretIdList": ["fcm"]}, {"secretsmanager:BatchGetSecretValue": ["*"], "secretsmanager:GetSecretValue": [SECRET]}),
    ("kms", "get_public_key", {"KeyId": "alias/web-push"}, {"kms:GetPublicKey": [SIGNING]}),
    ("kms", "sign", {"KeyId": SIGNING, "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}, {"kms:Sign": [SIGNING]}),
    ("lambda", "invoke", {"FunctionName": "echo"}, {"lambda:InvokeFunction": [f"arn:aws:lambda:{HERE}:function:echo"]}),
    ("lambda", "invoke", {"FunctionName": f"arn:aws:lambda:{HERE}:function:echo", "Qualifier": "live"}, {"lambda:InvokeFunction": [f"arn:aws:lambda:{HERE}:function:echo:live"]}),
    ("lambda", "list_functions", {}, {"lambda:ListFunctions": ["*"]}),
    ("lambda", "get_function", {"FunctionName": "echo"}, {"lambda:GetFunction": [f"arn:aws:lambda:{HERE}:function:echo"]}),
    ("lambda", "list_versions_by_function", {"FunctionName": "echo"}, {"lambda:ListVersionsByFunction": [f"arn:aws:lambda:{HERE}:function:echo"]}),
    ("lambda", "list_aliases", {"FunctionName": "echo"}, {"lambda:ListAliases": [f"arn:aws:lambda:{HERE}:function:echo"]}),
    ("lambda", "get_alias", {"FunctionName": "echo", "Name": "live"}, {"lambda:GetAlias": [f"arn:aws:lambda:{HERE}:function:echo"]}),
    ("lambda", "get_function_concurrency", {"FunctionName": "echo"}, {"lambda:GetFunctionConcurrency": [f"arn:aws:lambda:{HERE}:function:echo"]}),
    ("lambda", "list_tags", {"Resource": f"arn:aws:lambda:{HERE}:function:echo"}, {"lambda:ListTags": [f"arn:aws:lambda:{HERE}:function:echo"]}),
    ("lambda", "get_event_source_mapping", {"UUID": "0" * 36}, {"lambda:GetEventSourceMapping": [f"arn:aws:lambda:{HERE}:event-source-mapping:{'0' * 36}"]}),
    ("lambda", "delete_function", {"FunctionName": "echo"}, {"lambda:DELETE": [""]}),  # not here
    ("apigatewayv2", "get_apis", {}, {"apigateway:GET": [""]}),  # its actions are HTTP methods
    ("cloudformation", "describe_stacks", {"StackName": STACK}, {"cloudformation:DescribeStacks": [STACK]}),
    ("cloudformation", "describe_stacks", {"StackName": "chat"}, {"cloudformation:DescribeStacks": [f"arn:aws:cloudformation:{HERE}:stack/chat/*"]}),
    ("s3", "get_object", {"Bucket": "files", "Key": "a/b c"}, {"s3:GetObject": ["arn:aws:s3:::files/a/b c"]}),
    ("s3", "get_object", {"Bucket": "files", "Key": "a", "VersionId": "1"}, {"s3:GetObjectVersion": ["arn:aws:s3:::files/a"]}),
    ("s3", "head_object", {"Bucket": "files", "Key": "a"}, {"s3:GetObject": ["arn:aws:s3:::files/a"]}),
    ("s3", "put_object", {"Bucket": "files", "Key": "a", "Body": b""}, {"s3:PutObject": ["arn:aws:s3:::files/a"]}),
    ("s3", "put_object", {"Bucket": "files", "Key": "a", "ACL": "private", "Tagging": "a=b"}, {"s3:PutObject": ["arn:aws:s3:::files/a"], "s3:PutObjectAcl": ["arn:aws:s3:::files/a"], "s3:PutObjectTagging": ["arn:aws:s3:::files/a"]}),
    ("s3", "get_object_attributes", {"Bucket": "files", "Key": "a", "ObjectAttributes": ["ETag"]}, {"s3:GetObject": ["arn:aws:s3:::files/a"], "s3:GetObjectAttributes": ["arn:aws:s3:::files/a"]}),
    ("s3", "put_object", {"Bucket": "files", "Key": "a", "ACL": "bucket-owner-full-control"}, {"s3:PutObject": ["arn:aws:s3:::files/a"]}),
    *(
        ("s3", "put_object", {"Bucket": "files", "Key": "a", f"Grant{each}": "id=a"}, {"s3:PutObject": ["arn:aws:s3:::files/a"], "s3:PutObjectAcl": ["arn:aws:s3:::files/a"]})
        for each in ("FullControl", "Read", "ReadACP", "WriteACP")
    ),
    ("s3", "put_object_tagging", {"Bucket": "files", "Key": "a", "Tagging": {"TagSet": []}}, {"s3:PutObjectTagging": ["arn:aws:s3:::files/a"]}),
    ("s3", "copy_object", {"Bucket": "files", "Key": "a", "CopySource": "old/b"}, {"s3:PutObject": ["arn:aws:s3:::files/a"], "s3:GetObject": ["arn:aws:s3:::old/b"]}),
    ("s3", "copy_object", {"Bucket": "files", "Key": "a", "CopySource": {"Bucket": "old", "Key": "b", "VersionId": "1"}}, {"s3:PutObject": ["arn:aws:s3:::files/a"], "s3:GetObjectVersion": ["arn:aws:s3:::old/b"]}),
    ("s3", "delete_object", {"Bucket": "files", "Key": "a"}, {"s3:DeleteObject": ["arn:aws:s3:::files/a"]}),
    ("s3", "delete_objects", {"Bucket": "files", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b"}]}}, {"s3:DeleteObject": ["arn:aws:s3:::files/a", "arn:aws:s3:::files/b"]}),
    ("s3", "abort_multipart_upload", {"Bucket": "files", "Key": "a", "UploadId": "1"}, {"s3:AbortMultipartUpload": ["arn:aws:s3:::files/a"]}),
    ("s3", "upload_part", {"Bucket": "files", "Key": "a", "UploadId": "1", "PartNumber": 1, "Body": b""}, {"s3:PutObject": ["arn:aws:s3:::files/a"]}),
    ("s3", "list_objects_v2", {"Bucket": "files"}, {"s3:ListBucket": ["arn:aws:s3:::files"]}),
    ("s3", "head_bucket", {"Bucket": "files"}, {"s3:ListBucket": ["arn:aws:s3:::files"]}),
    ("s3", "get_bucket_policy", {"Bucket": "files"}, {"s3:GetBucketPolicy": ["arn:aws:s3:::files"]}),
    ("s3", "list_buckets", {}, {"s3:ListAllMyBuckets": ["*"]}),
    ("sts", "get_caller_identity", {}, {}),
    ("logs", "describe_log_groups", {}, {"logs:DescribeLogGroups": [""]}),  # by the action alone
    ("cloudwatch", "list_metrics", {}, {"cloudwatch:ListMetrics": [""]}),
]  # fmt: skip


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{row[0]} {row[1]} {index}" for index, row in enumerate(ROWS)]
)
def test_a_call_needs_the_actions_of_its_operation(row: Row) -> None:
    service, operation, given, expected = row
    made, body = sent(service, operation, given)
    assert (made.access_key, made.token) == ("Send-0a1b2c", "token")
    found: dict[str, list[str]] = {}
    for need in table.needs(made, PLACE, Names(), body):
        found.setdefault(need.action, []).extend(need.resources)
    assert found == expected


OF_INDEX = f"{CHATS}/index/by-mail"
ALL_OF_PARTIQL = {f"PartiQL{each}": "*" for each in ("Select", "Insert", "Update", "Delete")}
STATEMENTS: list[tuple[str, dict[str, str]]] = [
    ("SELECT * FROM chats", {"PartiQLSelect": CHATS}),
    ("select\n* from chats where \"pk\" = 'x'", {"PartiQLSelect": CHATS}),
    ('SELECT "name" FROM "chats"', {"PartiQLSelect": CHATS}),
    ("SELECT pk FROM \"chats\" WHERE pk = 'from users'", {"PartiQLSelect": CHATS}),
    ('SELECT "from", a.b FROM "chats"."by-mail"', {"PartiQLSelect": OF_INDEX}),
    ("SELECT * FROM chats . by-mail", {"PartiQLSelect": OF_INDEX}),
    (f'SELECT * FROM "{CHATS}"', {"PartiQLSelect": CHATS}),
    ("EXISTS(SELECT * FROM \"chats\" WHERE pk = 'x')", {"PartiQLSelect": CHATS}),
    ("INSERT INTO chats VALUE {'pk': 'x'}", {"PartiQLInsert": CHATS}),
    ("INSERT INTO \"chats\" VALUE {'pk': ?}", {"PartiQLInsert": CHATS}),
    ("UPDATE chats SET n = 1 WHERE \"pk\" = 'x'", {"PartiQLUpdate": CHATS}),
    ('UPDATE "chats" SET "n" = 1', {"PartiQLUpdate": CHATS}),
    ("DELETE FROM chats WHERE \"pk\" = 'x'", {"PartiQLDelete": CHATS}),
    ("", ALL_OF_PARTIQL),
    ("DROP TABLE chats", ALL_OF_PARTIQL),
    ("SELECT 1", ALL_OF_PARTIQL),
    ("SELECT * FROM", ALL_OF_PARTIQL),
    ("SELECT * FROM chats.", ALL_OF_PARTIQL),
    ("SELECT * FROM ?", ALL_OF_PARTIQL),
    ("SELECT * FROM own -- \n FROM users", ALL_OF_PARTIQL),
    ("SELECT * FROM own WHERE a IN (SELECT b FROM users)", ALL_OF_PARTIQL),
]


@rows(("text", "expected"), STATEMENTS, ids=[each[0] for each in STATEMENTS])
@rows(
    ("operation", "name"),
    [
        ("ExecuteStatement", None),
        ("BatchExecuteStatement", "Statements"),
        ("ExecuteTransaction", "TransactStatements"),
    ],
)
def test_partiql_needs_the_action_of_each_statement_on_its_table(
    operation: str, name: str | None, text: str, expected: dict[str, str]
) -> None:
    given: Any = {name: [{"Statement": text}]} if name else {"Statement": text}
    made = Call("dynamodb", operation, call.JSON, given=given)
    found = table.needs(made, PLACE, Names(), b"")
    assert {each.action: each.resources for each in found} == {
        f"dynamodb:{action}": (resource,) for action, resource in expected.items()
    }


def test_operations_of_users_need_no_permission() -> None:
    model = boto3.client("cognito-idp", region_name="us-east-1").meta.service_model
    open_ones = {
        name for name in model.operation_names if model.operation_model(name).auth_type == "none"
    }
    later = {"ListUserSessions", "RevokeUserSession"}  # newer than the table
    assert open_ones - later == set(table.WITHOUT_SIGNATURE)
    for name in table.WITHOUT_SIGNATURE:
        assert table.needs(Call("cognito-idp", name, call.JSON), PLACE, Names(), b"") == []


# The condition keys of DynamoDB: docs.aws.amazon.com/amazondynamodb/latest/developerguide/
# specifying-conditions.html
EQUAL = {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}
CONTEXTS: list[tuple[str, dict[str, Any], dict[str, list[str]]]] = [
    ("get_item", {"TableName": "chats", "Key": KEY, "ProjectionExpression": "#a, body.text", "ExpressionAttributeNames": {"#a": "seq"}}, {"leadingkeys": ["chat-1"], "attributes": ["body", "pk", "seq"]}),
    ("put_item", {"TableName": "chats", "Item": {**KEY, "n": {"N": "1"}}, "ReturnValues": "NONE"}, {"leadingkeys": ["chat-1"], "attributes": ["n", "pk"], "returnvalues": ["NONE"]}),
    ("update_item", {**UPDATE, "UpdateExpression": "SET a = if_not_exists(b, :a) REMOVE c"}, {"leadingkeys": ["chat-1"], "attributes": ["a", "b", "c", "pk"]}),
    ("query", {"TableName": "chats", "Select": "COUNT", **QUERIED}, {"leadingkeys": ["a"], "attributes": ["pk"], "select": ["COUNT"]}),
    ("query", {"TableName": "chats", "IndexName": "by-mail", "KeyConditionExpression": "#m = :m", "ExpressionAttributeNames": {"#m": "mail"}, "ExpressionAttributeValues": {":m": {"S": "r@x"}}}, {"leadingkeys": ["r@x"], "attributes": ["mail"]}),
    ("query", {"TableName": "chats", **QUERIED, "KeyConditionExpression": "n > :n AND :pk = pk"}, {"leadingkeys": ["a"], "attributes": ["n", "pk"]}),
    ("query", {"TableName": "chats", "KeyConditions": {"pk": EQUAL}, "QueryFilter": {"n": EQUAL}}, {"leadingkeys": ["a"], "attributes": ["n", "pk"]}),
    ("scan", {"TableName": "chats", "ScanFilter": {"n": EQUAL}}, {"attributes": ["n"]}),
    ("put_item", {"TableName": "chats", "Item": KEY, "Expected": {"n": {"Exists": False}}}, {"leadingkeys": ["chat-1"], "attributes": ["n", "pk"]}),
    ("update_item", {"TableName": "chats", "Key": KEY, "AttributeUpdates": {"n": {"Action": "DELETE"}}}, {"leadingkeys": ["chat-1"], "attributes": ["n", "pk"]}),
    ("batch_write_item", {"RequestItems": {"chats": WRITTEN["chats"]}}, {"leadingkeys": ["chat-1"], "attributes": ["pk"]}),
    ("batch_get_item", {"RequestItems": {"chats": BOTH["chats"]}}, {"leadingkeys": ["chat-1"], "attributes": ["pk"]}),
    ("transact_write_items", {"TransactItems": [{"ConditionCheck": CHECK}]}, {"leadingkeys": ["chat-1"], "attributes": ["pk"], "enclosingoperation": ["TransactWriteItems"]}),
]  # fmt: skip


@pytest.mark.parametrize("row", CONTEXTS, ids=[row[0] for row in CONTEXTS])
def test_dynamodb_says_which_keys_and_attributes_a_call_is_about(row: Any) -> None:
    operation, given, expected = row
    made, body = sent("dynamodb", operation, given)
    (need,) = table.needs(made, PLACE, Names(), body)
    found = {name.removeprefix("dynamodb:"): [*values] for name, values in need.context().items()}
    assert found == expected


FILES = "arn:aws:s3:::files"
EVERY_FILE = [("s3:DeleteObject", f"{FILES}/*"), ("s3:DeleteObjectVersion", f"{FILES}/*")]
DELETED: list[tuple[str, list[tuple[str, str]]]] = [
    ("<Object><Key>a</Key></Object>", [("s3:DeleteObject", f"{FILES}/a")]),
    ("<Object ><Key >a</Key\n></Object>", [("s3:DeleteObject", f"{FILES}/a")]),
    ("<Object><Key>a&amp;b&#99;</Key></Object>", [("s3:DeleteObject", f"{FILES}/a&bc")]),
    ("<Object><Key><![CDATA[a]]></Key></Object>", [("s3:DeleteObject", f"{FILES}/a")]),
    (
        "<Object><Key>a</Key><VersionId>1</VersionId></Object><Object><Key>b</Key></Object>",
        [("s3:DeleteObjectVersion", f"{FILES}/a"), ("s3:DeleteObject", f"{FILES}/b")],
    ),
    ("", EVERY_FILE),
    ("<Object><Key/></Object>", EVERY_FILE),
    ("<Object><Key>a</Key></Object><Object><VersionId>1</VersionId></Object>", EVERY_FILE),
    ("<Object><Key>a</Object>", EVERY_FILE),
    (f"<Object><Key>a</Key></Object>{' ' * 2 * 1024 * 1024}", EVERY_FILE),
]


@rows("namespace", ["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
@rows(("inside", "expected"), DELETED, ids=[each[0][:60] for each in DELETED])
def test_deleting_objects_needs_permission_for_each(
    inside: str, expected: list[tuple[str, str]], namespace: str
) -> None:
    made = Call("s3", "", call.S3, path="/files", query={"delete": ""})
    body = f"<Delete{namespace}>{inside}</Delete>".encode()
    found = table.needs(made, PLACE, Names(), body)
    assert [(each.action, *each.resources) for each in found] == expected


MALFORMED = [
    *("BatchGetItem", "TransactGetItems", "TransactWriteItems", "GetItem", "ExecuteStatement"),
    *("BatchExecuteStatement", "ExecuteTransaction", "GetRecords", "DescribeStream", "Query"),
]


@rows(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"RequestItems": 1, "TransactItems": {}}',
        b'{"TransactItems": [{"A": 1}]}',
    ],
)
@rows("operation", MALFORMED)
def test_a_malformed_call_needs_its_action_on_everything(operation: str, body: bytes) -> None:
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    made = call.read("POST", "/", [], headers, body)
    found = table.needs(made, PLACE, Names(), body)
    assert found and {each.resources for each in found} == {("*",)}


WHERE: list[tuple[str, Any]] = [
    ("BatchWriteItem", lambda bad: {"RequestItems": {"chats": bad}}),
    ("BatchWriteItem", lambda bad: {"RequestItems": {"chats": [bad]}}),
    ("BatchWriteItem", lambda bad: {"RequestItems": {"chats": [{"PutRequest": bad}]}}),
    ("BatchGetItem", lambda bad: {"RequestItems": {"chats": {"Keys": bad}}}),
    ("PutItem", lambda bad: {"TableName": "chats", "Item": {"pk": bad}}),
    ("Query", lambda bad: {**QUERIED, "TableName": "chats", "ExpressionAttributeNames": bad}),
    ("Query", lambda bad: {**QUERIED, "TableName": "chats", "ExpressionAttributeValues": bad}),
    ("Query", lambda bad: {"TableName": "chats", "KeyConditions": bad}),
    ("Query", lambda bad: {"TableName": "chats", "KeyConditions": {"pk": bad}}),
    ("GetItem", lambda bad: {"TableName": "chats", "Key": KEY, "AttributesToGet": bad}),
]


@rows("bad", [None, 1, "x", [], {}, [1], [["x"]], {"a": 1}, {"#a": [1]}])
@rows("where", WHERE, ids=[each[0] for each in WHERE])
def test_the_conditions_of_a_malformed_call_are_left_to_the_service(where: Any, bad: Any) -> None:
    operation, given = where
    made = Call("dynamodb", operation, call.JSON, given=given(bad))
    for need in table.needs(made, PLACE, Names(), b""):
        for values in need.context().values():
            assert all(isinstance(each, str) for each in values)


@pytest.mark.parametrize("name", ["EndpointArn", "SubscriptionArn"])
def test_a_name_that_is_no_arn_is_not_decided_by_the_action_alone(name: str) -> None:
    made = Call("sns", "Unsubscribe", call.QUERY, given={name: "x"})
    assert [each.resources for each in table.needs(made, PLACE, Names(), b"")] == [("*",)]
