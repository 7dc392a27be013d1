"""Who is asked to join or to answer, where something was decided about it before."""

from __future__ import annotations

from typing import Any

from tests.support.lambdas.rest import Rest


def chats(api: Rest, user: str) -> Any:
    return api.request("GET", "/api/chats", user=user).body


def test_a_member_whom_a_stranger_adds_is_a_member_and_not_asked(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    (mira,) = api.strangers("mira")
    founded = {"kind": "group", "members": [raju, mira]}
    chat = api.request("POST", "/api/chats", founded, user=ravi).body["chat"]
    assert api.request("POST", f"/api/chats/{chat}/accept", user=mira).status == 200
    frames = api.connect(api.phone(mira))
    added = api.request("POST", f"/api/chats/{chat}/members", {"add": [mira]}, user=raju)
    assert added.body == {"members": sorted([ravi, raju, mira]), "invited": []}
    assert (chats(api, mira)["invitations"], frames) == ([], [])


def test_a_chat_that_was_begun_while_blocked_is_a_request_once_the_block_ends(api: Rest) -> None:
    """So the stranger is still shown nothing before the answer."""
    ravi, raju = api.strangers("ravi", "raju")
    contact = f"/api/contacts/{ravi}"
    api.request("PUT", contact, {"state": "blocked"}, user=raju)
    begun = {"kind": "direct", "with": raju}
    assert api.request("POST", "/api/chats", begun, user=ravi).status == 201
    assert api.request("DELETE", contact, user=raju).status == 204
    (chat,) = chats(api, raju)["chats"]
    assert chat["request"] is True and "blocked" not in chat
