"""GET /<name>: how often that name was greeted, counted in the table."""

import os

import boto3

table = boto3.client("dynamodb")


def handler(event, context):
    name = event["path"].strip("/") or "world"
    counted = table.update_item(
        TableName=os.environ["TABLE"],
        Key={"name": {"S": name}},
        UpdateExpression="ADD greeted :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    print(f"greeted {name}")
    body = f"hello {name}, {counted['Attributes']['greeted']['N']}"
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": body}
