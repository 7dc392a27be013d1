"""Which requests to the key directory go out, which responses count, and when one is repeated."""

from __future__ import annotations

from functools import partial

import pytest

from client.core.cipher import Claims, Lists, Request
from client.core.key_requests import KeyRequests
from client.core.settings import Settings

SETTINGS = Settings(
    fetch_retry=1.0,
    fetch_retry_cap=5.0,
    claim_again=10.0,
    claim_again_cap=30.0,
    claimed_at_once=2,
    ask_after=(),
)


class Requests(KeyRequests):
    """With what was requested since the last look."""

    def __init__(self) -> None:
        self._out: list[Request] = []
        super().__init__(SETTINGS, self._out.append)
        self.opened()

    def out(self) -> list[Request]:
        out = [*self._out]
        self._out.clear()
        return out

    def list_of(self, user: str, now: float = 0.0) -> Lists:
        self.want_lists([user], now)
        (request,) = self.out()
        assert isinstance(request, Lists) and request.user == user
        return request

    def claims(self, *devices: str, now: float = 0.0, chat: str = "c") -> list[Claims]:
        self.want_claims(chat, devices, now)
        return [each for each in self.out() if isinstance(each, Claims)]


@pytest.fixture
def requests() -> Requests:
    return Requests()


# -- lists


def test_a_list_is_asked_for_once_until_something_changes(requests: Requests) -> None:
    request = requests.list_of("raju")
    requests.want_lists(["raju"], 0.0)
    assert requests.out() == [] and not requests.fresh("raju")
    assert requests.listed(request) and requests.fresh("raju")
    requests.want_lists(["raju"], 0.0)
    assert requests.out() == []
    requests.changed("raju")
    assert not requests.fresh("raju")
    assert requests.list_of("raju").number > request.number


def test_a_list_that_was_asked_for_before_a_change_or_on_another_connection_is_old(
    requests: Requests,
) -> None:
    before = requests.list_of("raju")
    requests.changed("raju")
    after = requests.list_of("raju")
    assert not requests.listed(before) and not requests.fresh("raju")
    requests.want_lists(["raju"], 0.0)
    assert requests.out() == []  # the newer one is still under way
    requests.opened()
    assert not requests.listed(after) and not requests.fresh("raju")
    newest = requests.list_of("raju")
    assert requests.listed(newest)
    assert not requests.listed(newest), "the same response twice is no news"


def test_of_two_responses_the_one_that_was_asked_for_first_does_not_undo_the_other(
    requests: Requests,
) -> None:
    first, second = requests.look_at("raju"), requests.look_at("raju")
    assert requests.listed(second)
    assert not requests.listed(first)


def test_a_new_connection_knows_no_list_and_asks_for_what_it_waited_for(
    requests: Requests,
) -> None:
    assert requests.listed(requests.list_of("raju"))
    requests.list_of("meena")
    failed = requests.list_of("kiran")
    requests.failed(failed, 0.0)
    requests.claims("raju/phone")
    requests.closed()
    requests.want_lists(["ravi"], 0.0)
    assert requests.out() == []
    requests.opened()
    requests.want_lists(["kiran", "meena", "raju"], 0.0)
    assert [each.user for each in requests.out() if isinstance(each, Lists)] == [
        "kiran",
        "meena",
        "raju",
    ]
    assert [each.devices for each in requests.claims("raju/phone")] == [("raju/phone",)]


def test_what_failed_is_asked_for_again_after_growing_pauses(requests: Requests) -> None:
    now, pauses = 0.0, []
    for _ in range(5):
        requests.failed(requests.list_of("raju", now), now)
        at = requests.next_due(now)
        assert at is not None
        pauses.append(at - now)
        requests.want_lists(["raju"], at - 0.01)
        assert requests.out() == []
        now = at
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert requests.listed(requests.list_of("raju", now))
    requests.changed("raju")
    requests.failed(requests.list_of("raju", now), now)
    assert requests.next_due(now) == now + 1.0, "there was a response since"


# -- claims


def test_a_key_is_claimed_once_while_the_response_is_under_way(requests: Requests) -> None:
    first = requests.claims("raju/desk", "raju/phone", "meena/phone")
    assert [each.devices for each in first] == [("meena/phone", "raju/desk"), ("raju/phone",)]
    assert requests.claims("raju/phone", "raju/tab") == [Claims(2, "c", ("raju/tab",))]
    assert [each.chat for each in requests.claims("raju/phone", chat="d")] == ["d"]
    requests.want_claims("c", ["raju/phone"], 0.0, asking=True)
    assert [each for each in requests.out() if isinstance(each, Claims) and each.asking]
    requests.claimed(first[1], ["raju/phone"], 0.0)
    assert requests.claims("raju/phone"), "its session may have been given up since"
    assert requests.claims("raju/desk") == []


def test_a_device_without_a_key_is_left_out_of_its_chat_for_a_while(requests: Requests) -> None:
    for chat in ("c", "d"):
        (request,) = requests.claims("raju/desk", "raju/phone", chat=chat)
        requests.claimed(request, ["raju/phone"] if chat == "c" else [], 100.0)
    assert requests.tried("c", 109.9) == {"raju/desk"}
    assert requests.tried("d", 109.9) == {"raju/desk", "raju/phone"}
    assert requests.tried("c", 110.0) == set() == requests.tried("e", 100.0)
    assert requests.next_due(100.0) == 110.0
    requests.try_again("d")
    assert requests.tried("d", 100.0) == set()
    assert requests.tried("c", 100.0) == {"raju/desk"}
    requests.opened()
    assert requests.tried("c", 100.0) == set()


def test_a_device_without_a_key_is_asked_for_one_soon_and_then_less_often(
    requests: Requests,
) -> None:
    now, pauses = 0.0, []
    for _ in range(4):
        (request,) = requests.claims("raju/new", now=now)
        requests.claimed(request, [], now)
        at = requests.next_due(now)
        assert at is not None
        pauses.append(at - now)
        now = at
    assert pauses == [10.0, 20.0, 30.0, 30.0]
    for begun, left_out in ((["raju/new"], set()), ([], {"raju/new"})):
        (request,) = requests.claims("raju/new", now=now)
        requests.claimed(request, begun, now)
        assert requests.tried("c", now + 9.9) == left_out
    assert requests.tried("c", now + 10.0) == set(), "it had one since"


def test_claims_that_failed_wait_in_their_chat_alone(requests: Requests) -> None:
    (request,) = requests.claims("raju/phone")
    requests.failed(request, 10.0)
    assert requests.claims("raju/phone", now=10.9) == []
    assert requests.claims("raju/phone", now=10.9, chat="d")
    (again,) = requests.claims("raju/phone", now=11.0)
    requests.failed(again, 11.0)
    assert requests.claims("raju/phone", now=12.9) == []
    (again,) = requests.claims("raju/phone", now=13.0)
    requests.claimed(again, ["raju/phone"], 13.0)
    (again,) = requests.claims("raju/phone", now=13.0)
    requests.failed(again, 13.0)
    assert requests.claims("raju/phone", now=14.0), "there was a response since"


def test_nothing_is_asked_for_before_the_backend_allows_it(requests: Requests) -> None:
    requests.failed(requests.list_of("raju"), 0.0, 60.0)
    (limited,) = requests.claims("raju/phone", chat="d")
    requests.claimed(limited, [], 0.0, 90.0)
    own_text = partial(requests.try_again, "d")
    for happens in (own_text, requests.opened, own_text):
        happens()
        assert not requests.may_list(59.9)
        requests.want_lists(["raju", "meena"], 59.9)
        for chat in ("c", "d"):
            assert requests.claims("raju/phone", "meena/phone", now=89.9, chat=chat) == []
            assert "raju/phone" in requests.tried(chat, 89.9), "texts go out without it"
        assert requests.out() == []
        assert (requests.next_due(0.0), requests.next_due(60.0)) == (60.0, 90.0)
    assert requests.may_list(60.0) and requests.list_of("raju", 60.0)
    assert requests.tried("d", 90.0) == set()
    assert requests.claims("raju/phone", now=90.0)


def test_of_two_limits_the_longer_one_counts(requests: Requests) -> None:
    first, second = requests.look_at("raju"), requests.look_at("meena")
    requests.failed(first, 0.0, 60.0)
    requests.failed(second, 0.0, 10.0)
    ((one,), (other,)) = (requests.claims("raju/phone", chat=chat) for chat in ("c", "d"))
    requests.failed(one, 0.0, 60.0)
    requests.claimed(other, [], 0.0, 10.0)
    assert not requests.may_list(59.9) and requests.may_list(60.0)
    assert requests.claims("raju/phone", now=59.9, chat="e") == []
    assert requests.claims("raju/phone", now=60.0, chat="e")


# -- devices that no list has named


def test_a_device_is_unknown_if_a_list_of_its_user_that_is_newer_than_its_message_lacks_it(
    requests: Requests,
) -> None:
    assert requests.listed(requests.list_of("raju"))
    assert not requests.look_up("raju/new", 0.0), "the news of it may be lost"
    (request,) = requests.out()
    assert not requests.look_up("raju/new", 0.0) and requests.out() == []
    assert isinstance(request, Lists) and requests.listed(request)
    assert requests.look_up("raju/new", 0.0) and requests.out() == []
    assert not requests.look_up("raju/other", 0.0)
    requests.opened()
    assert not requests.look_up("raju/new", 0.0)
