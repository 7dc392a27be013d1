"""Invitations over REST: how many of one stranger's reach a user, and what is left of a deleted user."""

from __future__ import annotations

import pytest

from lambdas.limits import INVITATIONS
from lambdas.tables import user_key
from tests.lambdas.api.chats import act, group
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


def test_strangers_together_keep_no_contacts_invitation_out(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdas.people.invitations.INVITATIONS_LIMIT", 3)
    ravi, raju = api.sign_up("ravi", "raju")
    api.request("PUT", "/api/settings", {"groups": "nobody"}, user=raju)
    for stranger in api.strangers("a", "b", "c", "d"):
        for _ in range(INVITATIONS.at_once):
            group(api, stranger, raju)
    chat = group(api, ravi, raju).body["chat"]
    assert invitations(api, raju)[0] == ravi
    assert act(api, raju, chat, "accept").status == 200
    assert ravi not in invitations(api, raju)


@pytest.mark.parametrize("listed", ["listed", "behind others"])
def test_a_contacts_invitation_comes_beside_a_strangers_and_is_notified(
    api: Rest, monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    api.request("PUT", "/api/settings", {"groups": "nobody"}, user=raju)
    api.request("PUT", "/api/settings", {"groups": "everybody"}, user=ravi)
    stranger, *others = api.strangers("stranger", "a", "b")
    frames = api.connect(api.phone(raju))
    chat = group(api, stranger, raju).body["chat"]
    if listed == "behind others":
        monkeypatch.setattr("lambdas.people.invitations.INVITATIONS_LIMIT", 1)
        for other in others:
            group(api, other, raju)
    assert act(api, stranger, chat, "members", {"add": [ravi]}).body["members"] == sorted(
        [stranger, ravi]
    )
    for _ in range(2):  # the second one changes nothing
        assert act(api, ravi, chat, "members", {"add": [raju]}).body["invited"] == [raju]
    assert invitations(api, raju)[0] == ravi
    notified = [each["chat"] for each in frames if each["type"] == "invited"]
    assert notified.count(chat) == 2
    act(api, stranger, chat, "members", {"add": [raju]})
    assert invitations(api, raju)[0] == ravi
    assert act(api, raju, chat, "accept").status == 200
    kept = [each["item"] for each in api.aws.users.query_all({"user": raju}, prefix="invite#")]
    assert not [each for each in kept if chat in each]


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
