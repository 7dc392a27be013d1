"""The function of a custom resource, called as CloudFormation does, over moto.

A program of its own: the parent puts the code that would be deployed on PYTHONPATH, writes one JSON
document with the lifecycles to run through to its standard input, and reads the responses from its
standard output. Nothing of it reaches AWS: moto responds to every call in this process.

Request and response: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

Document = dict[str, Any]


class ResponseServer:
    """The address that CloudFormation waits at."""

    def __init__(self) -> None:
        received = self.received = list[Document]()

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                length = int(self.headers["Content-Length"])
                received.append(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/response"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


class Secrets:
    """The secrets that the resource's properties name. `arns` maps each made-up ARN to moto's."""

    def __init__(self, named: list[str]) -> None:
        self._client = _secrets_manager()
        self._arns = {
            arn: str(self._client.create_secret(Name=f"secret-{number}")["ARN"])
            for number, arn in enumerate(named)
        }

    def hold(self, value: str) -> None:
        """An empty text is the secret without a credential."""
        for arn in self._arns.values():
            self._client.put_secret_value(SecretId=arn, SecretString=value or "{}")

    def translated(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.translated(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.translated(inner) for inner in value]
        return self._arns.get(value, value) if isinstance(value, str) else value


@cache
def _secrets_manager() -> Any:
    """Takes longer to make than all calls of a lifecycle; moto responds to it in each account."""
    import boto3

    return boto3.client("secretsmanager")


def main() -> None:
    task = json.load(sys.stdin)
    os.environ.update(task["environment"])
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the function's log is not the response
    json.dump([run_lifecycle(task, lifecycle) for lifecycle in task["lifecycles"]], output)
    output.close()


def run_lifecycle(task: Document, lifecycle: list[Document]) -> list[Document]:
    """One response for each step of a lifecycle, which begins in an empty account."""
    with empty_account(task["handler"]) as handler:
        place, secrets = ResponseServer(), Secrets(task["secrets"])
        responses: list[Document] = []
        identity = lifecycle[0].get("PhysicalResourceId", "")
        for number, step in enumerate(lifecycle):
            secrets.hold(step["secrets"])
            event = {
                "RequestType": step["RequestType"],
                "ResponseURL": place.url,
                "RequestId": f"request-{number}",
                **task["resource"],
                **secrets.translated(step["event"]),
                **({"PhysicalResourceId": identity} if step["RequestType"] != "Create" else {}),
            }
            response = _called(handler, event, place, task["timeout"])
            identity = response.get("PhysicalResourceId", identity)
            responses.append(response)
        return responses


@contextmanager
def empty_account(name: str) -> Iterator[Any]:
    """Gives the handler, imported anew: what it remembered of the lifecycle before is gone."""
    from moto import mock_aws

    with mock_aws():
        module, _, function = name.rpartition(".")
        for loaded in [each for each in sys.modules if each.split(".")[0] == name.split(".")[0]]:
            del sys.modules[loaded]
        yield getattr(importlib.import_module(module), function)


def _called(handler: Any, event: Document, place: ResponseServer, timeout: int) -> Document:
    """`timeout` is what the function has, in seconds."""
    context = SimpleNamespace(
        function_name="rehearsal",
        function_version="$LATEST",
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:rehearsal",
        memory_limit_in_mb=512,
        aws_request_id=event["RequestId"],
        get_remaining_time_in_millis=lambda: timeout * 1000,
    )
    place.received.clear()
    try:
        handler(event, context)
    except Exception as error:
        return {"Status": "NONE", "Reason": f"the function raised {type(error).__name__}"}
    if not place.received:
        return {"Status": "NONE", "Reason": "the function ended without a response"}
    return place.received[-1]


if __name__ == "__main__":
    main()
