"""Rights between users over REST: contacts, requests, invitations, roles and settings."""

from typing import Any

import pytest

from lambdas.messages import membership
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Address, Devices
from lambdas.tables import HEAD, Table, chat_key
from lambdas.throttling import TooBusy
from tests.lambdas.api.chats import act, direct, group
from tests.support.lambdas import given
from tests.support.lambdas.rest import Rest


def listed(api: Rest, user: str) -> dict[str, Any]:
    body = api.request("GET", "/api/chats", user=user).body
    return {chat["chat"]: chat for chat in body["chats"]}


def invitations(api: Rest, user: str) -> list[tuple[str, str]]:
    body = api.request("GET", "/api/chats", user=user).body
    return [(each["chat"], each["by"]) for each in body["invitations"]]


def states(api: Rest, user: str) -> dict[str, str]:
    body = api.request("GET", "/api/contacts", user=user).body
    return {each["user"]: each["state"] for each in body["contacts"]}


def test_opening_a_chat_makes_a_contact_of_the_peer_only(api: Rest) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = direct(api, ravi, raju).body["chat"]
    assert (states(api, ravi), states(api, raju)) == ({raju: "contact"}, {})
    assert listed(api, raju)[chat]["request"] is True
    assert "request" not in listed(api, ravi)[chat]
    again = direct(api, raju, ravi)  # opening it from the other side accepts it
    assert (again.status, again.body["chat"]) == (200, chat)
    assert states(api, raju) == {ravi: "contact"}
    assert "request" not in listed(api, raju)[chat]
    assert api.request("DELETE", f"/api/contacts/{raju}", user=ravi).status == 204
    assert states(api, ravi) == {} and direct(api, ravi, raju).body["chat"] == chat
    assert states(api, ravi) == {raju: "contact"}  # also one whom the user had forgotten


@pytest.mark.parametrize("verb", ["accept", "decline"])
def test_a_request_is_accepted_or_declined(api: Rest, verb: str) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = direct(api, ravi, raju).body["chat"]
    assert act(api, raju, chat, verb).status == 200
    accepted = verb == "accept"
    assert states(api, raju) == ({ravi: "contact"} if accepted else {})
    assert listed(api, raju)[chat].get("blocked", False) is not accepted
    assert act(api, ravi, chat, "decline").status == 404  # not a request of the other one
    assert act(api, raju, chat, "accept").status == 200  # also by who has thought better of it
    assert "blocked" not in listed(api, raju)[chat] and states(api, raju) == {ravi: "contact"}
    assert "request" not in listed(api, raju)[chat]


def test_who_opens_a_request_that_was_declined_is_shown_it_and_can_write(api: Rest) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = direct(api, ravi, raju).body["chat"]
    assert act(api, raju, chat, "decline").status == 200
    assert listed(api, raju)[chat]["blocked"] is True
    assert direct(api, raju, ravi).body["chat"] == chat
    assert listed(api, raju)[chat].keys().isdisjoint({"blocked", "request"})
    head = api.aws.chats.get(chat_key(chat, HEAD), consistent=True) or {}
    assert not head.get("blocked_by") and states(api, raju) == {ravi: "contact"}


@pytest.mark.parametrize("who", ["who has begun it", "who is asked"])
def test_who_opens_a_chat_with_one_who_is_blocked_has_them_blocked_still(
    api: Rest, who: str
) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = direct(api, ravi, raju).body["chat"]
    one, other = (ravi, raju) if who == "who has begun it" else (raju, ravi)
    api.request("PUT", f"/api/contacts/{other}", {"state": "blocked"}, user=one)
    assert direct(api, one, other).status == 200
    assert states(api, one) == {other: "blocked"} and listed(api, one)[chat]["blocked"] is True


@pytest.mark.parametrize("how", ["accept", "open"])
def test_only_own_devices_are_notified_that_a_request_is_accepted(api: Rest, how: str) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = direct(api, ravi, raju).body["chat"]
    notified = [api.connect(api.phone(user)) for user in (raju, ravi)]
    for _ in range(2):  # the second time changes nothing
        done = act(api, raju, chat, "accept") if how == "accept" else direct(api, raju, ravi)
        assert done.status == 200
    changes = [[each for each in frames if each["type"] == "chat_changed"] for frames in notified]
    assert changes == [[{"type": "chat_changed", "chat": chat}], []]


def test_own_devices_are_notified_also_of_a_leaving_that_failed_halfway_and_was_repeated(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = group(api, ravi, raju).body["chat"]
    act(api, raju, chat, "accept")
    notified = api.connect(api.phone(raju))
    real, failed = Table.get, list[str]()

    def fails_once(*given: Any, **named: Any) -> Any:
        if not failed and given[1] == chat_key(chat, HEAD):  # the group as it is then
            failed.append(chat)
            raise TooBusy
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Table, "get", fails_once)
        assert act(api, raju, chat, "leave").status == 429
    assert act(api, raju, chat, "leave").status == 404  # who has left is no member
    assert [each["chat"] for each in notified if "chat" in each] == [chat]


def test_who_accepts_a_request_has_blocked_nobody_any_more(api: Rest) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = direct(api, ravi, raju).body["chat"]
    api.request("PUT", f"/api/contacts/{ravi}", {"state": "blocked"}, user=raju)
    assert act(api, raju, chat, "accept").status == 200
    assert states(api, raju) == {ravi: "contact"} and "blocked" not in listed(api, raju)[chat]


def test_who_takes_no_requests_is_written_to_by_contacts_only(api: Rest) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    api.request("PUT", "/api/settings", {"requests": "nobody"}, user=raju)
    assert direct(api, ravi, raju).status == 403
    Contacts(api.aws.users).add(raju, ravi)
    assert direct(api, ravi, raju).status == 201


@pytest.mark.parametrize(("requests", "status"), [("everybody", 201), ("nobody", 403)])
def test_who_is_blocked_gets_the_response_that_any_stranger_gets(
    api: Rest, requests: str, status: int
) -> None:
    ravi, raju, zoe = api.strangers("ravi", "raju", "zoe")
    api.request("PUT", "/api/settings", {"requests": requests}, user=raju)
    api.request("PUT", f"/api/contacts/{ravi}", {"state": "blocked"}, user=raju)
    blocked, stranger = direct(api, ravi, raju), direct(api, zoe, raju)
    assert blocked.status == stranger.status == status
    assert blocked.body.keys() == stranger.body.keys()
    assert blocked.body.get("error") == stranger.body.get("error")


def test_settings_have_the_defaults_and_change_by_name(api: Rest) -> None:
    (ravi,) = api.strangers("ravi")
    defaults = {"groups": "contacts", "presence": "contacts", "requests": "everybody"}
    assert api.request("GET", "/api/settings", user=ravi).body == {**defaults, "receipts": True}
    changed = api.request("PUT", "/api/settings", {"receipts": False, "other": 1}, user=ravi)
    assert changed.body == {**defaults, "receipts": False}
    assert api.request("PUT", "/api/settings", {"groups": "some"}, user=ravi).status == 400


SHOWN = {"everybody": "contact stranger", "contacts": "contact", "nobody": ""}


@pytest.mark.parametrize(
    ("change", "presence", "still"),
    [
        *(({"presence": to}, "everybody", still.split()) for to, still in SHOWN.items()),
        ({"groups": "nobody"}, "everybody", ["contact", "stranger"]),
        ({"state": "blocked"}, "everybody", ["stranger"]),
        ({"state": "blocked"}, "contacts", []),
        (None, "everybody", ["contact", "stranger"]),
        (None, "contacts", []),
    ],
)
def test_who_may_not_see_the_presence_any_more_watches_it_no_longer(
    api: Rest, change: dict[str, str] | None, presence: str, still: list[str]
) -> None:
    """At once, and not when the watch runs out; `change` is of the settings, or of the contact."""
    ravi, contact, stranger = api.strangers("ravi", "contact", "stranger")
    contacts, devices = Contacts(api.aws.users), Devices(api.aws.users)
    given.decision(api.aws.users, ravi, contact, "contact")
    contacts.put_settings(ravi, {"presence": presence})
    now = api.aws.now()
    watching = [ravi, contact, *([stranger] if presence == "everybody" else [])]
    for user in watching:
        devices.watch(Address(user, "phone"), [ravi], [ravi, contact], now + 100)
    if change is not None and "state" not in change:
        assert api.request("PUT", "/api/settings", change, user=ravi).status == 200
    else:
        method = "DELETE" if change is None else "PUT"
        assert api.request(method, f"/api/contacts/{contact}", change, user=ravi).status < 300
    names = {"contact": contact, "stranger": stranger}
    left = {each.user for each in devices.watchers(ravi, now)}
    assert left == {ravi, *(names[name] for name in still)}


@pytest.mark.parametrize(
    ("setting", "state", "joins", "invited"),
    [
        ("contacts", None, False, True),
        ("contacts", "contact", True, False),
        ("contacts", "blocked", False, False),
        ("everybody", None, True, False),
        ("everybody", "blocked", False, False),
        ("nobody", "contact", False, True),
    ],
)
@pytest.mark.parametrize("how", ["made", "added"])
def test_who_joins_a_group_at_once_and_who_is_asked(
    api: Rest, setting: str, state: str | None, joins: bool, invited: bool, how: str
) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    (zoe,) = api.strangers("zoe")
    Contacts(api.aws.users).add(zoe, ravi)
    Contacts(api.aws.users).put_settings(raju, {"groups": setting})
    if state:
        given.decision(api.aws.users, raju, ravi, state)
    frames = api.connect(api.phone(raju))
    if how == "made":
        reply = group(api, ravi, zoe, raju)
        chat = reply.body["chat"]
    else:
        chat = group(api, ravi, zoe).body["chat"]
        reply = act(api, ravi, chat, "members", {"add": [raju]})
    members = sorted([ravi, zoe, *([raju] if joins else [])])
    assert (reply.body["members"], reply.body["invited"]) == (members, [] if joins else [raju])
    assert (chat in listed(api, raju)) is joins
    assert invitations(api, raju) == ([(chat, ravi)] if invited else [])
    assert {"type": "invited", "chat": chat, "user": ravi} in frames or not invited
    assert all(frame["type"] != "invited" for frame in frames) or invited


def test_who_accepts_an_invitation_joins_at_the_seq_of_then(api: Rest) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = group(api, ravi, raju).body["chat"]
    assert listed(api, ravi)[chat]["invited"] == [raju]
    assert api.request("GET", f"/api/chats/{chat}/messages", user=raju).status == 404
    api.aws.chats.update({"chat": chat, "item": "head"}, "SET seq = :seq", seq=7)
    assert act(api, raju, chat, "accept").body == {"chat": chat, "members": sorted([ravi, raju])}
    assert listed(api, raju)[chat]["delivered"] == 7
    assert (states(api, raju), states(api, ravi)) == ({ravi: "contact"}, {})
    assert listed(api, ravi)[chat]["invited"] == [] == invitations(api, raju)
    assert act(api, raju, chat, "accept").status == 200  # a repeated request


def test_who_can_not_join_now_is_still_invited(api: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    ravi, raju = api.strangers("ravi", "raju")
    chat = group(api, ravi, raju).body["chat"]
    with monkeypatch.context() as patch:
        patch.setattr(membership, "MEMBERS_LIMIT", 1)
        assert act(api, raju, chat, "accept").status == 400
    assert invitations(api, raju) == [(chat, ravi)] and states(api, raju) == {}
    assert act(api, raju, chat, "accept").body["members"] == sorted([ravi, raju])


def test_who_declines_or_is_uninvited_can_not_join(api: Rest) -> None:
    ravi, raju, zoe = api.strangers("ravi", "raju", "zoe")
    chat = group(api, ravi, raju, zoe).body["chat"]
    assert invitations(api, raju) == invitations(api, zoe) == [(chat, ravi)]
    assert act(api, raju, chat, "decline").status == 200
    assert act(api, ravi, chat, "members", {"remove": [zoe]}).body["invited"] == []
    for user in (raju, zoe):
        assert act(api, user, chat, "accept").status == 404
    frames = [api.connect(api.phone(user)) for user in (raju, zoe)]
    assert act(api, ravi, chat, "members", {"add": [raju, zoe]}).status == 200
    assert [len(each) for each in frames] == [0, 1], "who declined is not asked aloud again"


def test_who_is_invited_already_is_not_asked_again_when_others_are(api: Rest) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    mira, anna = api.strangers("mira", "anna")
    chat = group(api, ravi, raju, zoe, mira).body["chat"]
    frames = api.connect(api.phone(mira))
    add = {"add": [mira, anna]}
    assert act(api, raju, chat, "members", add).body["invited"] == sorted([mira, anna])
    assert (invitations(api, mira), invitations(api, anna)) == ([(chat, ravi)], [(chat, raju)])
    assert frames == []


def test_nobody_is_put_back_who_has_left_for_good(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat = group(api, ravi, raju).body["chat"]
    frames, peer = api.connect(api.phone(raju)), api.connect(api.phone(ravi))
    assert act(api, raju, chat, "leave").status == 200
    assert {"type": "devices_changed", "user": raju, "chat": chat} in peer
    frames.clear()
    back = act(api, ravi, chat, "members", {"add": [raju]})
    assert (back.body["members"], back.body["invited"]) == ([ravi], [raju])
    assert frames == []  # an invitation that is not announced
    peer.clear()
    assert act(api, raju, chat, "accept").body["members"] == sorted([ravi, raju])
    assert peer == [{"type": "devices_changed", "user": raju, "chat": chat}]
    assert act(api, ravi, chat, "members", {"remove": [raju]}).body["members"] == [ravi]
    again = act(api, ravi, chat, "members", {"add": [raju]})
    assert (again.body["members"], again.body["invited"]) == (sorted([ravi, raju]), [])
    assert act(api, raju, direct(api, raju, ravi).body["chat"], "leave").status == 403


def test_admins_and_rules_say_who_may_do_what(api: Rest) -> None:
    ravi, raju, zoe, mira = api.sign_up("ravi", "raju", "zoe", "mira")
    chat = group(api, ravi, raju, zoe).body["chat"]
    assert listed(api, zoe)[chat]["admins"] == [ravi]
    assert act(api, raju, chat, "members", {"remove": [zoe]}).status == 403
    assert act(api, raju, chat, "members", {"add": [mira]}).status == 200
    assert act(api, raju, chat, "admins", {"appoint": [raju]}).status == 403
    rules = {"add": "admins", "remove": "admins", "rename": "members"}
    changed = act(api, ravi, chat, "admins", {"appoint": [raju], "rules": {"add": "admins"}})
    assert changed.body == {"admins": sorted([ravi, raju]), "rules": rules}
    assert act(api, zoe, chat, "members", {"add": ["nobody_else"]}).status == 403
    assert act(api, raju, chat, "members", {"remove": [mira]}).status == 200
    dismissed = act(api, raju, chat, "admins", {"dismiss": [ravi]})
    assert dismissed.body["admins"] == [raju]
    assert act(api, raju, chat, "admins", {"dismiss": [raju]}).status == 400
    assert act(api, raju, chat, "admins", {"appoint": [mira]}).status == 400
    notified = [api.connect(api.phone(user)) for user in (ravi, raju, zoe, mira)]
    assert act(api, raju, chat, "admins", {"appoint": [zoe]}).status == 200
    changes = [[each for each in frames if each["type"] == "chat_changed"] for frames in notified]
    assert changes == [[{"type": "chat_changed", "chat": chat}]] * 3 + [[]]


def test_the_last_admin_passes_the_role_to_who_joined_first(api: Rest) -> None:
    ravi, raju, anna = api.sign_up("ravi", "raju", "anna")
    chat = group(api, ravi, raju).body["chat"]
    api.aws.chats.update({"chat": chat, "item": "head"}, "SET seq = :seq", seq=7)
    act(api, ravi, chat, "members", {"add": [anna]})
    act(api, ravi, chat, "leave")
    assert listed(api, anna)[chat]["admins"] == [raju]
    act(api, raju, chat, "leave")
    assert listed(api, anna)[chat]["admins"] == [anna]
    assert act(api, anna, chat, "leave").status == 200


def test_blocking_is_for_the_chat_of_before_and_the_one_of_after(api: Rest) -> None:
    ravi, raju, zoe = api.strangers("ravi", "raju", "zoe")
    chat = direct(api, ravi, raju).body["chat"]
    path = f"/api/contacts/{ravi}"
    for user in (raju, zoe):
        assert api.request("PUT", path, {"state": "blocked"}, user=user).status == 200
    later = direct(api, ravi, zoe)
    assert later.status == 201  # as for anybody else
    assert listed(api, raju)[chat]["blocked"] and listed(api, zoe)[later.body["chat"]]["blocked"]
    assert listed(api, zoe)[later.body["chat"]]["request"]  # as it is once nobody is blocked
    assert "blocked" not in listed(api, ravi)[chat]
    direct(api, raju, ravi)  # opening the chat does not unblock
    assert states(api, raju) == {ravi: "blocked"}
    assert api.request("DELETE", path, user=raju).status == 204
    assert "blocked" not in listed(api, raju)[chat] and states(api, raju) == {}
    assert api.request("PUT", path, {"state": "contact"}, user=zoe).body["state"] == "contact"
    assert "blocked" not in listed(api, zoe)[later.body["chat"]]
    assert states(api, zoe) == {ravi: "contact"}
    for verb, body in (("PUT", {"state": "contact"}), ("DELETE", None)):
        own = api.request(verb, f"/api/contacts/{raju}", body, user=raju)
        assert (own.status, own.body["error"]["code"]) == (400, "bad_request")
    unknown = api.request("PUT", "/api/contacts/nobody_here", {"state": "blocked"}, user=raju)
    assert unknown.status == 404


def test_a_chat_is_muted_for_one_user_until_then(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat = direct(api, ravi, raju).body["chat"]
    path = f"/api/chats/{chat}/mute"
    assert api.request("PUT", path, {"until": 4_000_000_000}, user=raju).status == 200
    assert listed(api, raju)[chat]["muted_until"] == 4_000_000_000
    assert "muted_until" not in listed(api, ravi)[chat]
    api.request("PUT", path, {"until": 0}, user=raju)
    assert "muted_until" not in listed(api, raju)[chat]
    assert api.request("PUT", "/api/chats/none/mute", {"until": 0}, user=raju).status == 404
