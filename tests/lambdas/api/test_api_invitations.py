"""Invitations over REST: how many of one stranger's reach a user, and what is left of a deleted user."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.limits import INVITATIONS
from lambdas.messages import roles
from lambdas.messages.founded import FOUNDED_SECONDS
from lambdas.messages.membership import Membership
from lambdas.people.invitations import INVITATION_SECONDS, Invitations
from lambdas.tables import user_key
from lambdas.throttling import TooBusy
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


def test_who_joins_from_one_device_while_another_declines_is_a_member_and_stays_one(
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

        def adds() -> None:
            act(api, ravi, chat, "members", {"add": [raju]})

        made = interrupt(patch, number, adds)
        assert act(api, raju, chat, "leave").status == 200
    listed = api.request("GET", "/api/chats", user=ravi).body["chats"]
    assert [each["members"] for each in listed] == [[ravi]], made[:number]


def test_an_invitation_counts_while_the_group_names_its_user_and_until_it_expires(
    api: Rest,
) -> None:
    (ravi, zoe), (raju,) = api.sign_up("ravi", "zoe"), api.strangers("raju")
    chat, store = group(api, ravi, zoe).body["chat"], Invitations(api.aws.users)
    store.add([raju], chat, ravi, api.aws.now())
    assert invitations(api, raju) == [] and act(api, raju, chat, "accept").status == 404
    for _ in range(2):  # the second time the group names them already
        store.add([raju], chat, "somebody_else", api.aws.now() - INVITATION_SECONDS)
        assert invitations(api, raju) == []
        add = {"add": [raju]}
        assert act(api, ravi, chat, "members", add).body["invited"] == [raju]
        assert invitations(api, raju) == [ravi]
    appointed = act(api, ravi, chat, "admins", {"appoint": [raju]})
    assert appointed.status == 400  # who is only invited is no member


def test_who_is_an_admin_no_more_removes_nobody_with_a_request_from_before(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    chat, remove = group(api, ravi, raju, zoe).body["chat"], Membership._remove
    assert act(api, ravi, chat, "admins", {"appoint": [raju]}).status == 200

    def late(*given: Any) -> Any:
        act(api, ravi, chat, "admins", {"dismiss": [raju]})
        return remove(*given)

    monkeypatch.setattr(Membership, "_remove", late)
    assert act(api, raju, chat, "members", {"remove": [zoe]}).status == 403
    (listed,) = api.request("GET", "/api/chats", user=zoe).body["chats"]
    assert listed["members"] == sorted([ravi, raju, zoe])


def test_members_are_notified_of_a_change_whose_request_failed_after_it(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat, change = group(api, ravi, raju).body["chat"], Membership._change
    frames = api.connect(api.phone(raju))

    def fails(*given: Any, **named: Any) -> Any:
        change(*given, **named)
        raise TooBusy

    monkeypatch.setattr(Membership, "_change", fails)
    assert act(api, ravi, chat, "members", {"remove": [raju]}).status == 429
    assert frames == [{"type": "devices_changed", "user": raju, "chat": chat}]


def test_nobody_becomes_an_admin_who_leaves_meanwhile(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat, changed = group(api, ravi, raju).body["chat"], roles.changed

    def late(*given: Any) -> Any:
        act(api, raju, chat, "leave")
        return changed(*given)

    monkeypatch.setattr(roles, "changed", late)
    assert act(api, ravi, chat, "admins", {"appoint": [raju]}).status == 400
    (listed,) = api.request("GET", "/api/chats", user=ravi).body["chats"]
    assert listed["admins"] == [ravi]


def test_each_request_founds_a_group_of_its_own_and_is_known_for_a_day(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    body = {"kind": "group", "members": [raju]}
    chats = [
        api.request("POST", "/api/chats", {**body, "request_id": id}, user=ravi).body["chat"]
        for id in ("the-first-request", "the-second-request", "the-first-request")
    ]
    assert chats[0] == chats[2] != chats[1]
    founded = [*api.aws.users.query_all({"user": ravi}, prefix="founded#")]
    left = [each["expires_at"] - api.aws.now() for each in founded]
    assert len(left) == 2 and all(80_000 < seconds <= FOUNDED_SECONDS for seconds in left)
