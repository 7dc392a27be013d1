"""Servers with the same few resources, whose data is saved and opened again."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import boto3


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


def saved(url: str, **beside: Any) -> None:
    _post(f"{url}/_local/data/save", {"beside": beside})


def opened(url: str, file: Path) -> Any:
    return json.loads(_post(f"{url}/_local/data/open", {"file": str(file)}))


def _post(url: str, body: Any) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode())) as response:
        return bytes(response.read())


def put(resources: Resources, item: str, **more: Any) -> None:
    key = {"user": {"S": "ravi"}, "item": {"S": item}}
    resources.dynamodb.put_item(TableName="items", Item={**key, **more})
