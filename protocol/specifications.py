"""AsyncAPI and OpenAPI documents of the protocol, for tools that read these formats.

https://www.asyncapi.com/docs/reference/specification/v3.0.0 and https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from protocol.model import rest_name
from protocol.schemas import Schema, read, schemas

VERSION = "1"  # of `chat.v1`
# The one route that has neither a request nor a response body.
WITHOUT_BODY = {
    ("delete", "/api/contacts/{user}"): ("204", "Forgets a contact, or unblocks a user."),
    ("delete", "/api/devices/{device}"): ("204", "Removes a device."),
}


def asyncapi() -> str:
    """The WebSocket side. The backend receives client frames and sends server frames."""
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for group, action in (("client", "receive"), ("server", "send")):
        names = [f"{group}-{file.stem}" for file in schemas(group)]
        for name, file in zip(names, schemas(group), strict=True):
            messages[name] = _message(read(file))
        operations[f"{action}Frames"] = {
            "action": action,
            "channel": {"$ref": "#/channels/chat"},
            "messages": [{"$ref": f"#/channels/chat/messages/{name}"} for name in names],
        }
    channel = {
        "address": "/",
        "description": "One WebSocket; its subprotocols are `chat.v1` and `ticket.<ticket>`.",
        "messages": messages,
    }
    return _text(
        {
            "asyncapi": "3.0.0",
            "info": {"title": "Switchboard, WebSocket frames", "version": VERSION},
            "defaultContentType": "application/json",
            "channels": {"chat": channel},
            "operations": operations,
        }
    )


def _message(schema: Schema) -> dict[str, Any]:
    body = {key: value for key, value in schema.items() if key not in ("$schema", "description")}
    return {"name": schema["title"], "summary": schema["description"], "payload": body}


def openapi() -> str:
    """The REST side."""
    paths: dict[str, Any] = {}
    for method, path, operation in _operations():
        paths.setdefault(path, {})[method] = operation
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return _text(
        {
            "openapi": "3.1.0",
            "info": {"title": "Switchboard, REST API", "version": VERSION},
            "security": [{"accessToken": []}],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": {rest_name(file): _schema(read(file)) for file in schemas("rest")},
                "securitySchemes": {"accessToken": token},
            },
        }
    )


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    bodies: dict[str, dict[str, Path]] = {}
    for file in schemas("rest"):
        if file.stem != "error.response":
            bodies.setdefault(read(file)["title"], {})[file.stem.partition(".")[2]] = file
    for title, files in bodies.items():
        method, _, target = title.partition(" ")
        path, _, query = target.partition("?")
        yield method.lower(), path, _operation(path, query, files)
    for (method, path), (status, summary) in WITHOUT_BODY.items():
        response = {status: {"description": summary}, "default": _error()}
        yield method, path, {"parameters": _parameters(path, ""), "responses": response}


def _operation(path: str, query: str, files: dict[str, Path]) -> dict[str, Any]:
    words = read(files["response"])["description"]
    operation: dict[str, Any] = {"parameters": _parameters(path, query)}
    if "request" in files:
        operation["summary"] = read(files["request"])["description"]
        operation["requestBody"] = {"required": True, "content": _content(files["request"])}
    if "Open." in (operation.get("summary"), *re.findall(r"Open\.", words)):
        operation["security"] = []
    responses = {
        status: {"description": words, "content": _content(files["response"])}
        for status in _statuses(words)
    }
    operation["responses"] = {**responses, "default": _error()}
    return operation


def _statuses(words: str) -> list[str]:
    """Those of success, which a response's description names."""
    return re.findall(r"\b2\d\d\b", words)


def _parameters(path: str, query: str) -> list[dict[str, Any]]:
    found = [(name, "path") for name in re.findall(r"{(\w+)}", path)]
    found += [(name, "query") for name in re.findall(r"(\w+)=", query)]
    return [
        {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}
        for name, place in found
    ]


def _error() -> dict[str, Any]:
    file = next(file for file in schemas("rest") if file.stem == "error.response")
    return {"description": read(file)["description"], "content": _content(file)}


def _content(file: Path) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{rest_name(file)}"}}}


def _schema(schema: Schema) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "$schema"}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
