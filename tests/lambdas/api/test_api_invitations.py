"""Invitations over REST: how many of one stranger's reach a user, and what is left of a deleted user."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.limits import INVITATIONS
from lambdas.messages.membership import Membership
from lambdas.tables import user_key
from tests.lambdas.api.chats import act, group
from tests.support.lambdas.interrupted import interrupt
from tests.support.lambdas.rest import PASSWORD, Rest


def invitations(api: Rest, user: str) -> list[str]:
    body = api.request("GET", "/api/chats", user=user).body
    return [each["by"] for each in body["invitations"]]


def test_one_strangers_invitations_do_not_fill_the_list(api: Rest) -> None:
    stranger, raju, mira = api.strangers("stranger", "raju", "mira")
    frames = api.connect(api.phone(raju))
    for _ in range(INVITATIONS.at_once + 2):
        founded = group(api, stranger, raju)
        # no other response than for one who does not answer
        assert (founded.status, founded.body["invited"]) == (201, [raju])
    assert invitations(api, raju) == [stranger] * INVITATIONS.at_once
    assert [each["type"] for each in frames].count("invited") == INVITATIONS.at_once
    assert group(api, stranger, mira).status == 201  # each user is counted alone
    assert group(api, mira, raju).status == 201
    assert invitations(api, mira) == [stranger]
    assert sorted(set(invitations(api, raju))) == sorted({stranger, mira})
    act(api, stranger, founded.body["chat"], "members", {"remove": [raju], "add": [mira]})
    assert invitations(api, raju).count(stranger) == INVITATIONS.at_once


def test_one_whom_the_user_knows_is_not_counted(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    api.request("PUT", "/api/settings", {"groups": "nobody"}, user=raju)
    for _ in range(INVITATIONS.at_once + 2):
        group(api, ravi, raju)
    assert invitations(api, raju) == [ravi] * (INVITATIONS.at_once + 2)


def test_a_deleted_user_is_invited_nowhere(api: Rest) -> None:
    ravi, gone, stays = api.strangers("ravi", "gone", "stays")
    for _ in range(2):
        group(api, ravi, gone, stays)
    body = {"username": gone, "password": PASSWORD}
    assert api.request("POST", "/api/account/delete", body).body == {"done": True}
    listed = api.request("GET", "/api/chats", user=ravi).body["chats"]
    assert [each["invited"] for each in listed] == [[stays]] * 2


@pytest.mark.parametrize("verb", ["founded", "added"])
def test_a_repeated_request_invites_and_counts_once(api: Rest, verb: str) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    frames = api.connect(api.phone(raju))
    first = [raju if verb == "founded" else ravi]
    body = {"kind": "group", "members": first, "request_id": "one-request-of-ravis"}
    chat = api.request("POST", "/api/chats", body, user=ravi).body["chat"]
    for _ in range(INVITATIONS.at_once + 2):
        if verb == "founded":
            again = api.request("POST", "/api/chats", body, user=ravi)
            assert (again.body["chat"], again.body["invited"]) == (chat, [raju])
        else:
            assert act(api, ravi, chat, "members", {"add": [raju]}).body["invited"] == [raju]
    assert [each["type"] for each in frames].count("invited") == 1
    for _ in range(INVITATIONS.at_once):
        group(api, ravi, raju)
    assert len(invitations(api, raju)) == INVITATIONS.at_once  # one token was taken before


@pytest.mark.parametrize("invited", ["blocked", "too often", "long ago"])
def test_a_deleted_user_who_has_no_invitation_is_named_nowhere(api: Rest, invited: str) -> None:
    """Else the founder would see who had blocked them."""
    ravi, gone = api.strangers("ravi", "gone")
    if invited == "blocked":
        api.request("PUT", f"/api/contacts/{ravi}", {"state": "blocked"}, user=gone)
    groups = INVITATIONS.at_once + 2 if invited == "too often" else 1
    for _ in range(groups):
        chat = group(api, ravi, ravi).body["chat"]
        assert act(api, ravi, chat, "members", {"add": [gone]}).body["invited"] == [gone]
        if invited == "long ago":  # DynamoDB deletes what has expired
            api.aws.users.delete(user_key(gone, f"invite#{chat}"))
    body = {"username": gone, "password": PASSWORD}
    assert api.request("POST", "/api/account/delete", body).body == {"done": True}
    listed = api.request("GET", "/api/chats", user=ravi).body["chats"]
    assert [each["invited"] for each in listed] == [[]] * groups


def test_who_joins_from_one_device_while_another_declines_is_a_member_and_told_so(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ravi,), (raju,) = api.sign_up("ravi"), api.strangers("raju")
    chat, decline = group(api, ravi, raju).body["chat"], Membership.decline

    def late(*given: Any) -> bool:
        assert act(api, raju, chat, "accept").status == 200
        return decline(*given)

    monkeypatch.setattr(Membership, "decline", late)
    assert act(api, raju, chat, "decline").status == 404
    listed = api.request("GET", "/api/chats", user=raju).body["chats"]
    assert [each["chat"] for each in listed] == [chat]


@pytest.mark.parametrize("number", range(1, 14))
def test_nobody_is_put_back_while_they_leave_for_good(
    api: Rest, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat = group(api, ravi, raju).body["chat"]
    with monkeypatch.context() as patch:
        add = {"add": [raju]}
        made = interrupt(patch, number, lambda: act(api, ravi, chat, "members", add))
        assert act(api, raju, chat, "leave").status == 200
    listed = api.request("GET", "/api/chats", user=ravi).body["chats"]
    assert [each["members"] for each in listed] == [[ravi]], made[:number]
