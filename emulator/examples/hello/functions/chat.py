"""Replies to each WebSocket message with the number of times that its text was greeted."""

import os

import boto3

table = boto3.client("dynamodb")
sockets = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["CALLBACK_URL"])


def handler(event, context):
    if event["requestContext"]["routeKey"] == "$default":
        found = table.get_item(TableName=os.environ["TABLE"], Key={"name": {"S": event["body"]}})
        greeted = found.get("Item", {}).get("greeted", {"N": "0"})["N"]
        connection = event["requestContext"]["connectionId"]
        sockets.post_to_connection(ConnectionId=connection, Data=greeted.encode())
    return {"statusCode": 200}
