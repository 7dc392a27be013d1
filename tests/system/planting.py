"""Puts a text where it must not be, to see that the search of tests/system/searching.py finds it."""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from client import ChatClient
from tests.support.running_system import PASSWORD, WITHIN
from tests.system.searching import aws, console, queues_of, search, table_of


class Planter(NamedTuple):
    """Puts a canary somewhere that it must not be."""

    endpoints: dict[str, Any]
    state: Path
    device: Callable[..., ChatClient]
    name: Callable[[str], str]
    wait_until: Any


def into_a_table(plant: Planter, canary: str) -> None:
    item = {"chat": "planted", "item": "message#000000000001"}
    item["payload"] = base64.urlsafe_b64encode(f"so? {canary}!".encode()).decode()
    endpoints = plant.endpoints
    aws(endpoints, "dynamodb").put_item(
        TableName=table_of(endpoints, "Chats"),
        Item={name: {"S": value} for name, value in item.items()},
    )


def into_a_queue(plant: Planter, canary: str) -> None:
    endpoints = plant.endpoints
    (url,) = queues_of(endpoints, "DeadLetters")
    aws(endpoints, "sqs").send_message(
        QueueUrl=url,
        MessageBody=json.dumps({"text": json.dumps(f'"{canary}"')}),
        MessageGroupId="planted",
        MessageDeduplicationId=secrets.token_hex(8),
    )


def into_a_queue_and_out_of_it(plant: Planter, canary: str) -> None:
    """A job that is done: nothing of it is left but in the emulator's memory."""
    endpoints = plant.endpoints
    sqs = aws(endpoints, "sqs")
    queue = sqs.create_queue(QueueName=f"planted-{secrets.token_hex(4)}")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=canary)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_queue(QueueUrl=queue)


def into_a_log(plant: Planter, canary: str) -> None:
    """By the backend itself: the API logs the chat that a request names."""
    endpoints, user = plant.endpoints, plant.name("ravi")
    credentials = {"username": user, "password": PASSWORD}
    with httpx.Client(base_url=endpoints["api"], timeout=WITHIN) as http:
        http.post("/api/sign-up", json=credentials)
        token = http.post("/api/sign-in", json=credentials).json()["access_token"]
        bearer = {"authorization": f"Bearer {token}"}
        assert http.get(f"/api/chats/{canary}/messages", headers=bearer).status_code == 404


def into_a_push(plant: Planter, canary: str) -> None:
    endpoints, user = plant.endpoints, plant.name("raju")

    async def registered() -> str | None:
        async with plant.device(user) as client:
            return client.devices.push_token

    token = asyncio.run(registered())
    assert token
    found = aws(endpoints, "dynamodb").get_item(
        TableName=table_of(endpoints, "Users"),
        Key={"user": {"S": user}, "item": {"S": "devices"}},
    )
    arn = found["Item"]["devices"]["M"]["phone"]["M"]["endpoint_arn"]["S"]
    message = {"message": {"data": {"text": canary.encode().hex()}}}
    aws(endpoints, "sns").publish(
        TargetArn=arn,
        MessageStructure="json",
        Message=json.dumps({"default": "-", "GCM": json.dumps({"fcmV1Message": message})}),
    )
    phone = f"{endpoints['console']}/_local/phones/{token}"
    plant.wait_until(lambda: httpx.get(phone, timeout=WITHIN).json()["pushes"])


def into_the_console(plant: Planter, canary: str) -> set[str]:
    """As the name of a device that is connected while one looks."""

    async def connected() -> set[str]:
        async with plant.device(plant.name("ravi"), device=canary):
            shown = await asyncio.to_thread(lambda: list(console(plant.endpoints)))
            return {found.kind for found in search([canary], shown)}

    return asyncio.run(connected())


def into_a_file(plant: Planter, canary: str) -> None:
    (plant.state / "run" / "left.bin").write_bytes(f"... {canary}".encode("utf-16"))
