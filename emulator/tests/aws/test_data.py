"""What `--data` keeps comes back into a new server with the same resources."""

from __future__ import annotations

import urllib.request
from typing import Any

import boto3

from tests import aws_servers

PASSWORD = "Long-enough-1"


class Resources:
    """The same few resources on any server."""

    def __init__(self, url: str) -> None:
        self.dynamodb: Any = boto3.client("dynamodb", endpoint_url=url)
        self.cognito: Any = boto3.client("cognito-idp", endpoint_url=url)
        self.sns: Any = boto3.client("sns", endpoint_url=url)
        self.streams: Any = boto3.client("dynamodbstreams", endpoint_url=url)
        made = self.dynamodb.create_table(
            TableName="items",
            KeySchema=[
                {"AttributeName": "user", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "user", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        self.stream = made["TableDescription"]["LatestStreamArn"]
        self.pool = self.cognito.create_user_pool(PoolName="users")["UserPool"]["Id"]
        app = self.cognito.create_user_pool_client(
            UserPoolId=self.pool,
            ClientName="app",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )
        self.client = app["UserPoolClient"]["ClientId"]
        self.application = self.sns.create_platform_application(
            Name="app", Platform="GCM", Attributes={"PlatformCredential": "{}"}
        )["PlatformApplicationArn"]

    def sign_in(self, flow: str, **parameters: str) -> Any:
        return self.cognito.initiate_auth(
            ClientId=self.client, AuthFlow=flow, AuthParameters=parameters
        )["AuthenticationResult"]

    def records(self) -> list[Any]:
        shards = self.streams.describe_stream(StreamArn=self.stream)["StreamDescription"]["Shards"]
        iterator = self.streams.get_shard_iterator(
            StreamArn=self.stream, ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return list(self.streams.get_records(ShardIterator=iterator)["Records"])


def test_items_users_tokens_and_push_endpoints_come_back() -> None:
    item = {
        "user": {"S": "ravi"},
        "item": {"S": "devices"},
        "map": {"M": {"phone": {"N": "1.5"}, "old": {"BOOL": False}}},
        "set": {"SS": ["a", "b"]},
        "bytes": {"B": b"\x00\xff"},
    }
    with aws_servers.running() as url:
        before = Resources(url)
        before.dynamodb.put_item(TableName="items", Item=item)
        before.cognito.sign_up(ClientId=before.client, Username="ravi", Password=PASSWORD)
        before.cognito.admin_confirm_sign_up(UserPoolId=before.pool, Username="ravi")
        refresh = before.sign_in("USER_PASSWORD_AUTH", USERNAME="ravi", PASSWORD=PASSWORD)[
            "RefreshToken"
        ]
        endpoint = before.sns.create_platform_endpoint(
            PlatformApplicationArn=before.application, Token="token"
        )["EndpointArn"]
        before.sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
        with urllib.request.urlopen(f"{url}/_local/data") as response:
            persisted = response.read()
    with aws_servers.running() as url:
        after = Resources(url)
        request = urllib.request.Request(f"{url}/_local/data", persisted, method="PUT")
        with urllib.request.urlopen(request) as response:
            assert response.read() == b'{"put_back": 3}'
        assert after.dynamodb.scan(TableName="items")["Items"] == [item]
        assert after.records() == []
        assert (after.pool, after.client) == (before.pool, before.client)
        assert after.sign_in("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=refresh)["AccessToken"]
        assert after.sign_in("USER_PASSWORD_AUTH", USERNAME="ravi", PASSWORD=PASSWORD)
        found = after.sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]
        assert (found["Token"], found["Enabled"]) == ("token", "false")
