"""When to send which `sync`, and what each response settles; the times of presence and typing."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from client.core.presence import PresencePlan
from client.core.settings import Settings
from client.core.syncing import SyncPlan

SETTINGS = Settings(sync_jitter=(1.2, 1.2))


@pytest.fixture
def plan() -> SyncPlan:
    """One that has asked for everything, and been answered."""
    plan = SyncPlan(SETTINGS, Random(1))
    plan.opened(0.0)
    assert due(plan, 0.0) == {"action": "sync"}
    plan.responded()
    return plan


def due(plan: SyncPlan, now: float, **marks: int) -> dict[str, Any] | None:
    return plan.due(now, lambda: marks)


def test_a_connection_begins_with_all_chats_and_asks_one_question_at_a_time() -> None:
    plan = SyncPlan(SETTINGS, Random(1))
    plan.want("c", 0.0)
    assert (plan.next_due(), due(plan, 9.0)) == (None, None)
    plan.opened(1.0)
    assert not plan.wants("c") and plan.next_due() == 1.0
    assert not plan.is_due(0.9) and plan.is_due(1.0) and due(plan, 0.9) is None
    assert due(plan, 1.0, c=4) == {"action": "sync"}
    question = plan.question
    assert question and question.whole and question.before == {"c": 4}
    assert question.covers("any") and not question.names("any") and plan.covers("any")
    plan.want("c", 2.0)
    assert due(plan, 9.0) is None
    assert plan.next_due() == 21.0 and not plan.expired(20.9) and plan.expired(21.0)
    plan.closed()
    assert plan.question is None and not plan.expired(99.0)
    plan.opened(30.0)
    assert plan.question is None and not plan.wants("c") and not plan.resumed


def test_what_is_wanted_is_asked_when_it_is_due_the_earliest_time_counts(plan: SyncPlan) -> None:
    assert plan.idle and plan.next_due() is None
    plan.want("c", 5.0)
    plan.want("c", 7.0)
    plan.want("d", 6.0)
    assert plan.next_due() == 5.0 and plan.wants("c") and not plan.idle
    assert due(plan, 4.9) is None
    assert due(plan, 5.0, c=3, d=4) == {"action": "sync", "chats": {"c": 3}}
    question = plan.question
    assert question and not question.whole and question.names("c") and not question.covers("d")
    assert not plan.wants("c") and plan.wants("d") and not plan.idle
    assert plan.responded() is question and plan.responded() is None
    assert due(plan, 6.0) == {"action": "sync", "chats": {"d": 0}}


def test_a_chat_for_which_the_server_returned_an_error_is_synced_alone(plan: SyncPlan) -> None:
    plan.want("a", 1.0)
    for chat in ("b", "c"):
        plan.want_alone(chat, 1.0)
    asked = []
    for _ in range(3):
        frame = due(plan, 1.0)
        assert frame
        asked.append(list(frame["chats"]))
        plan.responded()
        for chat in asked[-1]:
            plan.settled(chat)
    assert asked == [["b"], ["c"], ["a"]] and plan.idle


def test_no_more_chats_are_named_than_a_frame_may(plan: SyncPlan) -> None:
    for number in range(150):
        plan.want(f"c{number}", 1.0)
    first = due(plan, 1.0)
    plan.responded()
    second = due(plan, 1.0)
    assert first and second and [len(each["chats"]) for each in (first, second)] == [100, 50]
    assert not {*first["chats"]} & {*second["chats"]}


def test_news_are_asked_for_at_once_and_once(plan: SyncPlan) -> None:
    plan.want_members_of("c")
    assert plan.next_due() == float("-inf") and not plan.idle and plan.is_due(0.0)
    assert due(plan, 0.0, c=2) == {"action": "sync", "chats": {"c": 2}}
    plan.responded()
    assert plan.idle and due(plan, 0.0) is None


def test_pages_follow_each_other_unless_all_is_wanted_anew(plan: SyncPlan) -> None:
    plan.want_page("p2", 3.0)
    assert plan.next_due() == 3.0
    assert due(plan, 3.0) == {"action": "sync", "cursor": "p2"}
    assert plan.question and plan.question.cursor == "p2" and plan.question.whole
    plan.want_all(9.0)
    plan.want_all(7.0)
    plan.want_all(8.0)
    plan.want_page("p3", 4.0)
    plan.responded()
    assert plan.next_due() == 7.0
    assert due(plan, 7.0) == {"action": "sync"}
    plan.responded()
    plan.want_page("p2", 8.0)
    plan.want_all(9.0)
    assert due(plan, 8.0) == {"action": "sync"}, "from the first page on"


def test_a_new_connection_asks_for_all_and_for_nothing_that_was_news_before(
    plan: SyncPlan,
) -> None:
    plan.want_members_of("c")
    plan.want_alone("d", 1.0)
    plan.closed()
    plan.opened(2.0)
    assert due(plan, 2.0) == {"action": "sync"}
    plan.responded()
    assert plan.idle
    for chat in ("d", "e"):
        plan.want(chat, 3.0)
    assert due(plan, 3.0) == {"action": "sync", "chats": {"d": 0, "e": 0}}


def test_pauses_double_up_to_a_minute_and_begin_anew_after_progress(plan: SyncPlan) -> None:
    def pauses(count: int, retry_after: float | None = None) -> list[float]:
        found = []
        for _ in range(count):
            plan.want_later("c", 10.0, retry_after)
            found.append((plan.next_due() or 0.0) - 10.0)
            plan.settled("nothing")
        return found

    assert pauses(8) == [1, 2, 4, 8, 16, 32, 60, 60]
    plan.progressed("d")
    assert pauses(1) == [60]
    plan.progressed("c")
    assert pauses(4, 0.0) == [pytest.approx(each) for each in (0.1, 1.0, 2.0, 4.0)]
    plan.settled("c")
    assert plan.idle and pauses(3, 3.0) == [3, 3, 3]
    assert plan.spread(None) is None and plan.spread(2.0) == pytest.approx(2.4)


def test_all_is_asked_for_later_from_the_page_that_failed(plan: SyncPlan) -> None:
    plan.want_later(None, 10.0, None, "p2")
    assert due(plan, 10.9) is None
    assert due(plan, 11.0) == {"action": "sync", "cursor": "p2"}


def test_watches_are_renewed_and_typing_is_sent_once_in_three_seconds() -> None:
    presence = PresencePlan(SETTINGS, Random(1))
    assert presence.watch(0.0, ["ravi"]) == [] == presence.typing(0.0, "c", 2)
    presence.opened(1.0)
    assert presence.next_due() == 1.0
    assert presence.due(0.9) == []
    assert presence.due(1.0) == [{"action": "watch", "users": ["ravi"]}]
    assert presence.next_due() == 241.0
    assert presence.watch(5.0, ["raju", "raju"]) == [{"action": "watch", "users": ["raju"]}]
    assert presence.watch(5.0, []) == [] and presence.next_due() == 241.0
    assert presence.due(241.0) == [{"action": "watch", "users": ["raju", "ravi"]}]
    said = [bool(presence.typing(at, "c", 2)) for at in (300.0, 302.9, 303.0, 305.9)]
    assert said == [True, False, True, False] and presence.typing(303.1, "d", 2)
    sizes = [bool(presence.typing(400.0, f"of {size}", size)) for size in (0, 256, 257, 1_024)]
    assert sizes == [True, True, False, False]  # 0: its members are not known yet
    nobody = PresencePlan(SETTINGS, Random(1))
    nobody.opened(1.0)
    assert nobody.next_due() is None
    nobody.watch(2.0, ["ravi"])
    assert nobody.next_due() == 242.0


def test_a_user_who_writes_and_was_reported_as_offline_is_watched_again_once_a_minute() -> None:
    presence = PresencePlan(SETTINGS, Random(1))
    presence.watch(0.0, ["ravi"])
    assert presence.wrote(0.0, "ravi") == []  # without a connection
    presence.opened(1.0)
    again = [{"action": "watch", "users": ["ravi"]}]
    assert [presence.wrote(at, "ravi") for at in (2.0, 61.9, 62.0)] == [again, [], again]
    assert presence.wrote(200.0, "raju") == []  # nobody watches raju
    presence.seen("ravi", online=True)
    assert presence.wrote(200.0, "ravi") == []
    presence.seen("ravi", online=False)
    assert presence.wrote(200.0, "ravi") == again


def test_watches_that_got_an_error_are_all_renewed_after_a_growing_pause() -> None:
    """An earlier watch of the same users may have ended with it (PROTOCOL, "Presence")."""
    presence = PresencePlan(SETTINGS, Random(1))
    presence.failed(0.0, None)  # nobody is watched
    presence.watch(0.0, ["ravi"])
    presence.opened(0.0)
    assert presence.next_due() == 0.0
    now, pauses = 0.0, []
    for _ in range(10):
        assert presence.due(now) == [{"action": "watch", "users": ["ravi"]}]
        for _ in range(3):  # of several frames that were sent together
            presence.failed(now, None)
        at = presence.next_due()
        assert at is not None
        pauses.append(at - now)
        now = at
    for pause, bound in zip(pauses, (1, 2, 4, 8, 16, 32, 64, 128, 200, 200), strict=True):
        assert 0.8 * bound <= pause <= min(1.2 * bound, 240.0) or pause == 240.0
    presence.due(now)
    presence.due(now + 240.0)  # there was no error since
    presence.failed(now + 240.0, 30.0)
    assert presence.next_due() == now + 270.0
    presence.due(now + 270.0)
    presence.failed(now + 270.0, None)
    assert (presence.next_due() or 0.0) <= now + 270.0 + 2.4
