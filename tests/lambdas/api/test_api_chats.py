"""Chats, members, messages and tickets over REST."""

import time
from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.messages import message
from lambdas.messages.membership import Membership
from lambdas.presence import tickets
from lambdas.tables import HEAD, chat_key
from tests.lambdas.api import chats
from tests.lambdas.api.chats import direct
from tests.support.lambdas.rest import Reply, Rest

ID = "01JDXA0000000000000000000A"


def group(api: Rest, user: str, *members: str) -> str:
    reply = chats.group(api, user, *members)
    assert reply.status == 201
    return str(reply.body["chat"])


def store(api: Rest, chat: str, seq: int, sender: str, **content: Any) -> None:
    """What `send` leaves behind."""
    now = time.time()
    alg = "olm.v1" if "to" in content else "megolm.v1"
    frame = {"chat": chat, "message_id": ID, "alg": alg, **content}
    api.aws.chats.put(
        message.stored(
            frame,
            seq=seq,
            sender=sender,
            sender_device="phone",
            sent_at=int(now * 1000),
            expires_at=int(now) + 600,
        )
    )
    api.aws.chats.update(chat_key(chat, HEAD), "SET seq = :seq", seq=seq)


def read(api: Rest, user: str, chat: str, **query: str) -> Reply:
    return api.request("GET", f"/api/chats/{chat}/messages", user=user, query=query)


def test_two_users_have_one_direct_chat_whoever_asks(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    made = direct(api, ravi, raju)
    assert made.status == 201
    assert made.body["members"] == sorted([ravi, raju])
    assert ravi not in made.body["chat"]
    for again in (direct(api, ravi, raju), direct(api, raju, ravi)):
        assert again.status == 200
        assert again.body == made.body


def test_a_chat_with_oneself_is_rejected_and_one_with_nobody_not_found(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    assert direct(api, ravi, ravi).status == 400
    assert direct(api, ravi, "nobody").status == 404
    body = {"kind": "group", "members": ["nobody"]}
    assert api.request("POST", "/api/chats", body, user=ravi).status == 404


def test_chats_are_listed_with_own_watermarks_page_by_page(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    made = {group(api, ravi, raju) for _ in range(5)}
    chat = str(direct(api, raju, ravi).body["chat"])
    store(api, chat, 1, raju, payload="x")
    found: dict[str, Any] = {}
    query: dict[str, str] = {"limit": "2"}
    for _ in range(10):
        reply = api.request("GET", "/api/chats", user=ravi, query=query)
        found |= {each["chat"]: each for each in reply.body["chats"]}
        if "cursor" not in reply.body:
            break
        query["cursor"] = reply.body["cursor"]
    assert set(found) == made | {chat}
    assert found[chat] == {
        "chat": chat,
        "kind": "direct",
        "members": sorted([ravi, raju]),
        "seq": 1,
        "delivered": 0,
        "read": 0,
    }


def test_a_page_has_its_most_and_the_first_one_alone_has_the_invitations(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdas.api.chats.CHATS_PER_PAGE", 2)
    monkeypatch.setattr("lambdas.api.chats.MESSAGES_LIMIT", 2)
    ravi, raju = api.sign_up("ravi", "raju")
    chats = [group(api, ravi, raju) for _ in range(3)]
    first = api.request("GET", "/api/chats", user=ravi, query={"limit": "1000"}).body
    query = {"limit": "1000", "cursor": first["cursor"]}
    second = api.request("GET", "/api/chats", user=ravi, query=query).body
    assert [len(page["chats"]) for page in (first, second)] == [2, 1]
    assert ("invitations" in first, "invitations" in second) == (True, False)
    for seq in range(1, 4):
        store(api, chats[0], seq, ravi, payload=str(seq))
    page = read(api, raju, chats[0], limit="1000").body
    assert ([each["seq"] for each in page["messages"]], page["more"]) == ([1, 2], True)


def test_members_of_a_group_are_added_by_any_member_and_removed_by_admins(api: Rest) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    chat = group(api, ravi, raju)
    path = f"/api/chats/{chat}/members"
    added = api.request("POST", path, {"add": [zoe]}, user=raju)
    assert added.body == {"members": sorted([ravi, raju, zoe]), "invited": []}
    assert api.request("POST", path, {"remove": [raju]}, user=zoe).status == 403
    removed = api.request("POST", path, {"remove": [raju]}, user=ravi)
    assert removed.body == {"members": sorted([ravi, zoe]), "invited": []}
    assert api.request("POST", path, {"add": [raju]}, user=raju).status == 404


def test_changes_before_an_error_are_notified_anyway(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    frames = api.connect(api.phone(raju))
    chat = group(api, ravi, raju)
    change = Membership.change

    def fails_at_its_end(*given: Any) -> None:
        change(*given)
        raise ChatError("conflict", "the next part could not be done")

    frames.clear()
    monkeypatch.setattr(Membership, "change", fails_at_its_end)
    reply = api.request("POST", f"/api/chats/{chat}/members", {"add": [zoe]}, user=ravi)
    assert reply.status == 409
    assert frames == [{"type": "devices_changed", "user": zoe, "chat": chat}]


def test_former_and_present_members_are_notified_that_the_members_changed(api: Rest) -> None:
    ravi, raju, zoe, mira = api.sign_up("ravi", "raju", "zoe", "mira")
    at = {user: api.connect(api.phone(user)) for user in (ravi, raju, zoe, mira)}
    tablet = api.connect(api.phone(ravi, "tablet"))
    chat = group(api, ravi, raju)
    path = f"/api/chats/{chat}/members"
    api.request("POST", f"/api/chats/{chat}/admins", {"rules": {"remove": "members"}}, user=ravi)
    for frames in (*at.values(), tablet):
        frames.clear()

    def notified(frames: list[dict[str, Any]]) -> list[str]:
        assert all((each["type"], each["chat"]) == ("devices_changed", chat) for each in frames)
        return sorted(each["user"] for each in frames)

    api.request("POST", path, {"add": [zoe]}, user=ravi)
    for frames in (at[ravi], tablet, at[raju], at[zoe]):
        assert notified(frames) == [zoe]
    api.request("POST", path, {"remove": [raju], "add": [mira]}, user=zoe)
    for frames in (at[ravi], tablet, at[raju], at[zoe]):
        assert notified(frames) == sorted([zoe, raju, mira])
    assert notified(at[mira]) == sorted([raju, mira])
    api.request("POST", path, {"remove": [ravi]}, user=ravi)
    for frames in (at[ravi], tablet, at[zoe]):
        assert notified(frames[3:]) == [ravi]
    assert len(at[raju]) == 3  # who has left hears no more


def test_a_change_without_a_new_member_or_a_leaving_one_is_not_reported(api: Rest) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    chat = group(api, ravi, raju)
    frames = api.connect(api.phone(ravi))
    frames.clear()
    path = f"/api/chats/{chat}/members"
    assert api.request("POST", path, {"add": [raju], "remove": [zoe]}, user=ravi).status == 200
    assert api.request("POST", path, {"add": ["nobody"]}, user=ravi).status == 404
    assert frames == []


def test_members_that_can_not_be_reached_do_not_stop_a_change(api: Rest) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    chat = group(api, ravi, raju)
    api.connect(api.phone(raju))
    api.gateway.received.clear()
    changed = api.request("POST", f"/api/chats/{chat}/members", {"add": [zoe]}, user=ravi)
    assert changed.body["members"] == sorted([ravi, raju, zoe])


def test_a_direct_chat_keeps_its_members(api: Rest) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    chat = direct(api, ravi, raju).body["chat"]
    path = f"/api/chats/{chat}/members"
    for body in ({"add": [zoe]}, {"remove": [raju]}, {"remove": [ravi]}):
        assert api.request("POST", path, body, user=ravi).status == 403


def test_messages_are_read_as_a_device_would_get_them(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat = str(direct(api, ravi, raju).body["chat"])
    store(api, chat, 1, ravi, payload="to all ✓")
    store(api, chat, 2, ravi, to={f"{raju}/phone": "to the phone"})
    store(api, chat, 3, raju, payload="answer")
    page = read(api, raju, chat, device="phone").body
    assert [each["payload"] for each in page["messages"]] == ["to all ✓", "to the phone", "answer"]
    assert page["messages"][0] == {
        "type": "message",
        "chat": chat,
        "seq": 1,
        "message_id": ID,
        "sender": ravi,
        "sender_device": "phone",
        "sent_at": page["messages"][0]["sent_at"],
        "alg": "megolm.v1",
        "payload": "to all ✓",
    }
    assert (page["complete_to"], page["missing"], page["more"]) == (3, [], False)
    assert read(api, raju, chat).body["messages"][1]["payload"] is None
    assert read(api, raju, chat, device="tablet").body["messages"][1]["payload"] is None
    # another's device is nobody's device here: the payload is the caller's or none
    assert read(api, ravi, chat, device="phone").body["messages"][1]["payload"] is None


def test_after_and_limit_page_through_a_chat(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat = str(direct(api, ravi, raju).body["chat"])
    for seq in range(1, 6):
        store(api, chat, seq, ravi, payload=str(seq))
    first = read(api, raju, chat, limit="2").body
    assert ([each["seq"] for each in first["messages"]], first["more"]) == ([1, 2], True)
    second = read(api, raju, chat, after=str(first["complete_to"]), limit="1000").body
    assert ([each["seq"] for each in second["messages"]], second["more"]) == ([3, 4, 5], False)
    assert read(api, raju, chat, after="5").body["messages"] == []
    assert read(api, raju, chat, after="999999999999").body["messages"] == []


@pytest.mark.parametrize(("character", "number"), [("\\", 28_000), ("\u20ac", 9_000)])
def test_an_answer_stays_below_what_a_lambda_target_may_return(
    api: Rest, character: str, number: int
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat = str(direct(api, ravi, raju).body["chat"])
    for seq in range(1, 25):
        store(api, chat, seq, ravi, payload=character * number)
    seen, after = [], 0
    for _ in range(20):
        reply = read(api, raju, chat, after=str(after), limit="100")
        assert int(reply.headers["content-length"]) < 600_000
        seen += [each["seq"] for each in reply.body["messages"]]
        after = reply.body["complete_to"]
        if not reply.body["more"]:
            break
    assert seen == list(range(1, 25))


def test_in_front_of_a_young_hole_the_answer_says_when_to_come_back(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat = str(direct(api, ravi, raju).body["chat"])
    store(api, chat, 2, ravi, payload="x")
    page = read(api, raju, chat).body
    assert page["messages"] == []
    assert page["complete_to"] == 0
    assert 0 < page["retry_after"] <= 15


def test_a_chat_of_others_and_one_that_never_was_look_the_same(api: Rest) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    chat = direct(api, ravi, raju).body["chat"]
    for path, method, body in (
        ("messages", "GET", None),
        ("members", "POST", {"add": [zoe]}),
        ("members", "POST", {"remove": [ravi]}),
    ):
        real = api.request(method, f"/api/chats/{chat}/{path}", body, user=zoe)
        never = api.request(method, f"/api/chats/{chat[:-1]}_/{path}", body, user=zoe)
        assert real.status == never.status == 404
        assert real.headers == never.headers | {"content-length": real.headers["content-length"]}
    assert api.request("GET", "/api/chats/a%20b/messages", user=zoe).status == 404


@pytest.mark.sampled
@pytest.mark.parametrize(
    "query",
    [
        {"after": "-1"},
        {"after": "x"},
        {"after": ""},
        {"after": "1.5"},
        {"after": "1e3"},
        {"after": "٣"},
        {"after": "9" * 13},
        {"limit": "0"},
        {"limit": "-5"},
        {"limit": "ten"},
        {"device": "a/b"},
        {"device": ""},
        {"device": "x" * 65},
    ],
)
def test_bad_query_parameters_are_bad_requests(api: Rest, query: dict[str, str]) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    chat = str(direct(api, ravi, raju).body["chat"])
    assert read(api, ravi, chat, **query).status == 400


@pytest.mark.parametrize("cursor", ["", "a#b", "x" * 3000, "%00", "ü"])
def test_a_cursor_that_no_answer_gave_is_a_bad_request(api: Rest, cursor: str) -> None:
    (ravi,) = api.sign_up("ravi")
    reply = api.request("GET", "/api/chats", user=ravi, query={"cursor": cursor})
    assert reply.status == 400


def test_a_ticket_opens_one_connection_of_the_callers_own_device(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    api.phone(ravi)
    reply = api.request("POST", "/api/tickets", {"device": "phone"}, user=ravi)
    assert reply.status == 201
    assert reply.body["expires_in"] == 30
    assert reply.body["url"] == api.aws.settings["WEBSOCKET_URL"]
    assert "reconnect_window" not in reply.body
    ticket = reply.body["ticket"]
    redeemed = tickets.redeem(api.aws.tickets, ticket, time.time())
    assert redeemed is not None and redeemed[:2] == (ravi, "phone")
    assert tickets.redeem(api.aws.tickets, ticket, time.time()) is None


def test_there_is_no_ticket_for_a_device_that_is_not_the_callers(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    api.phone(raju)
    reply = api.request("POST", "/api/tickets", {"device": "phone"}, user=ravi)
    assert (reply.status, reply.body["error"]["code"]) == (404, "not_found")


def test_before_a_mass_disconnect_tickets_carry_the_window_to_return_in(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    api.phone(ravi)
    soon = api.deployed_with(RECONNECT_WINDOW="90")
    reply = soon.request("POST", "/api/tickets", {"device": "phone"}, user=ravi)
    assert reply.body["reconnect_window"] == 90
