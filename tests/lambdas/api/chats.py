"""Chats over REST: how one is opened, and what is done in it."""

from typing import Any

from tests.support.lambdas.rest import Reply, Rest


def direct(api: Rest, user: str, peer: str) -> Reply:
    return api.request("POST", "/api/chats", {"kind": "direct", "with": peer}, user=user)


def group(api: Rest, user: str, *members: str) -> Reply:
    return api.request("POST", "/api/chats", {"kind": "group", "members": list(members)}, user=user)


def act(api: Rest, user: str, chat: str, verb: str, body: Any = None) -> Reply:
    return api.request("POST", f"/api/chats/{chat}/{verb}", body, user=user)
