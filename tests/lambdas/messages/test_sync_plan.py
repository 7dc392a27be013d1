import string

from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.frames import encode
from lambdas.messages import sync_plan
from lambdas.messages.heads import Head

NAMES = st.text(string.ascii_lowercase, min_size=3, max_size=32)


@st.composite
def _heads(draw: st.DrawFn) -> Head:
    members = draw(st.frozensets(NAMES, min_size=1, max_size=40))
    seq = draw(st.integers(0, 10**12 - 1))
    chat = draw(st.text(string.ascii_letters, min_size=22, max_size=22))
    return Head(chat, "ravi", "group", seq, 0, members, 0, {}, 0)


def _head(chat: str, seq: int, members: int = 2) -> Head:
    names = frozenset(f"user_{number}" for number in range(members))
    return Head(chat, "ravi", "group", seq, 0, names, 0, {}, 0)


@given(st.lists(_heads(), max_size=80, unique_by=lambda head: head.chat), st.randoms())
@settings(max_examples=40, deadline=None)
def test_whatever_the_chats_the_answer_fits_a_frame(heads: list[Head], source: object) -> None:
    by_name = {head.chat: head for head in heads}
    after = {head.chat: max(head.seq - number % 3, 0) for number, head in enumerate(heads)}
    plan = sync_plan.plan(by_name, after)
    chosen = [*plan.waiting, *plan.others]
    chats = {
        chat: sync_plan.entry(
            by_name[chat],
            by_name[chat].seq,
            [],
            {
                user: {
                    "delivered": {"a": by_name[chat].seq},
                    "read": by_name[chat].seq,
                    "joined_seq": 0,
                }
                for user in by_name[chat].members
            },
        )
        for chat in chosen
    }
    frame = sync_plan.synced(chats, plan.left, None)
    assert len(encode(frame).encode()) < 30_000 or len(chosen) == 1
    assert len(chosen) == len(set(chosen))
    if heads:
        assert chosen
    if not plan.left:
        assert {chat for chat in by_name if by_name[chat].seq > after[chat]} <= set(plan.waiting)


def test_chats_with_news_come_first_the_shortest_backlog_before_the_others() -> None:
    heads = {name: _head(name, seq) for name, seq in (("a", 9), ("b", 3), ("c", 5), ("d", 0))}
    after = {"a": 2, "b": 2, "c": 5, "d": 0}
    assert sync_plan.plan(heads, after) == (["b", "a"], ["c", "d"], False)


def test_what_does_not_fit_is_left_for_the_next_time() -> None:
    heads = {f"c{number}": _head(f"c{number}", number + 1, 250) for number in range(9)}
    plan = sync_plan.plan(heads, dict.fromkeys(heads, 0))
    assert plan.left and not plan.others
    assert plan.waiting == ["c0", "c1", "c2"], "the shortest backlogs"


def test_one_chat_always_fits() -> None:
    heads = {"c": _head("c", 10**11, 256)}
    assert sync_plan.plan(heads, {"c": 0}).waiting == ["c"]


def test_waiting_is_told_in_tenths_of_a_second_and_never_as_nothing() -> None:
    assert sync_plan.synced({}, False, 0.001)["retry_after"] == 0.1
    assert sync_plan.synced({}, False, 14.95)["retry_after"] == 15.0
    assert "retry_after" not in sync_plan.synced({}, True, None)
