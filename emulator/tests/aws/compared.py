"""Calls to two AWS servers whose responses are compared."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

TARGETS = {
    "dynamodb": "DynamoDB_20120810",
    "dynamodbstreams": "DynamoDBStreams_20120810",
    "sqs": "AmazonSQS",
}


class Response(NamedTuple):
    status: int
    error: str | None
    kind: str | None
    body: Any


class Server:
    """Calls as an SDK sends them, and calls with a header that only moto's server understands."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)

    def close(self) -> None:
        self._connection.close()

    def call(
        self, service: str, operation: str, body: Mapping[str, Any], *, long_way: bool = False
    ) -> Response:
        scope = f"local/20260101/us-east-1/{service.removesuffix('streams')}/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"{TARGETS[service]}.{operation}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=n",
            **({"Content-Encoding": "identity"} if long_way else {}),
        }
        self._connection.request("POST", "/", json.dumps(body), headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status == 500:  # moto fails; how, depends on the server around it
            return Response(500, None, None, None)
        return Response(
            response.status,
            response.headers.get("x-amzn-errortype"),
            response.headers.get("content-type"),
            comparable(json.loads(text) if text else None),
        )


def comparable(value: Any) -> Any:
    """Without the order of sets, which has no meaning."""
    if isinstance(value, dict):
        return {
            name: sorted(each) if name in ("SS", "NS", "BS") else comparable(each)
            for name, each in value.items()
        }
    return [comparable(each) for each in value] if isinstance(value, list) else value
