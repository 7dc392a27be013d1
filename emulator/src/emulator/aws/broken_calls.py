"""Calls that fail on purpose: PUT /_local/broken says which, as JSON.

`[{"operation", "text", "code"}]`: calls of the operation ("" for any) whose body has the text, such
as a table's name, get the error. Only of AWS's JSON protocol, and never the emulator's own calls.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from aiohttp import web

from emulator import credentials

PATH = "/_local/broken"
_MESSAGE = "broken on purpose; `mend` ends it"
# "Common errors" of DynamoDB's and Cognito's API references
_SERVER_ERRORS = ("InternalServerError", "InternalErrorException", "ServiceUnavailable")


class BrokenCalls:
    def __init__(self) -> None:
        self._broken: list[dict[str, str]] = []

    def add_routes(self, app: web.Application) -> None:
        async def put(request: web.Request) -> web.Response:
            self._broken = await request.json()
            return web.Response(status=204)

        app.router.add_put(PATH, put)

    def error(self, request: web.Request, body: bytes) -> web.Response | None:
        """The response to a call that is broken; None to any other."""
        target = request.headers.get("X-Amz-Target", "")
        if not self._broken or not target:
            return None
        found = credentials.CREDENTIAL.search(request.headers.get("Authorization", ""))
        if found is not None and found[1] == credentials.ACCESS_KEY:
            return None
        operation = target.rpartition(".")[2]
        for each in self._broken:
            if each["operation"] in ("", operation) and each["text"].encode() in body:
                return _failed(each["code"], dynamodb=target.startswith("DynamoDB"))
        return None


def _failed(code: str, *, dynamodb: bool) -> web.Response:
    kind = f"com.amazonaws.dynamodb.v20120810#{code}" if dynamodb else code
    document: dict[str, Any] = {"__type": kind, "message": _MESSAGE}
    return web.Response(
        status=500 if code in _SERVER_ERRORS else 400,
        text=json.dumps(document),
        headers={"x-amzn-RequestId": secrets.token_hex(16)},
        content_type="application/x-amz-json-1.0",
    )
