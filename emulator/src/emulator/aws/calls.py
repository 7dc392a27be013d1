"""Calls to AWS's JSON protocol from the event loop, for what calls several times a second."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from emulator.addresses import Addresses
from emulator.credentials import ACCESS_KEY

_TARGETS = {"dynamodbstreams": "DynamoDBStreams_20120810", "sqs": "AmazonSQS"}
_SCOPES = {"dynamodbstreams": "dynamodb", "sqs": "sqs"}
_TIMEOUT = aiohttp.ClientTimeout(total=40)  # a long poll takes 20 s


class AwsError(Exception):
    """`code` is AWS's, e.g. `ExpiredIteratorException`."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.code = code


class Calls:
    """The server here checks no signatures, so requests carry none, only the scope by which
    services are distinguished."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, service: str, operation: str, **request: Any) -> dict[str, Any]:
        """`await calls("sqs", "ReceiveMessage", QueueUrl=…)`; raises AwsError."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        scope = f"{ACCESS_KEY}/20260101/{self._addresses.region}/{_SCOPES[service]}/aws4_request"
        async with self._session.post(
            self._addresses.endpoint(service),
            data=json.dumps(request),
            headers={
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"{_TARGETS[service]}.{operation}",
                "Authorization": (
                    f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
                ),
            },
        ) as http_response:
            text = await http_response.text()
            response: dict[str, Any] = json.loads(text) if text else {}
            if http_response.status != 200:
                code = str(response.get("__type", http_response.status)).rpartition("#")[2]
                message = response.get("message") or response.get("Message") or text
                raise AwsError(operation, code, message)
            return response

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
