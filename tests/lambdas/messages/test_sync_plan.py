"""The plan of a response to `sync`: which chats and messages fit into it."""

import json
import string
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.frames import Frame, encode
from lambdas.messages import sync_plan
from lambdas.messages.heads import Head
from lambdas.tables import Item
from tests.support.examples import examples

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


@given(st.lists(_heads(), max_size=80, unique_by=lambda head: head.chat))
@examples(40)
def test_whatever_the_chats_the_answer_fits_a_frame(heads: list[Head]) -> None:
    by_name = {head.chat: head for head in heads}
    after = {head.chat: max(head.seq - number % 3, 0) for number, head in enumerate(heads)}
    plan = sync_plan.named(by_name, after)
    chats = {
        chat: sync_plan.entry(
            by_name[chat],
            after[chat],
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
        for chat in plan.chats
    }
    frame = sync_plan.synced(chats, plan.left, None, "c" * 64)
    assert len(encode(frame).encode()) < 30_000 or len(plan.chats) == 1
    assert len(plan.chats) == len(set(plan.chats))
    if heads:
        assert plan.chats
    if not plan.left:
        waiting = {chat for chat in by_name if by_name[chat].seq > after[chat]}
        assert waiting <= set(plan.chats)


def test_chats_with_news_come_first_the_shortest_backlog_before_the_others() -> None:
    heads = {name: _head(name, seq) for name, seq in (("a", 9), ("b", 3), ("c", 5), ("d", 0))}
    after = {"a": 2, "b": 2, "c": 5, "d": 0}
    assert sync_plan.named(heads, after) == (["b", "a", "c", "d"], False)


def test_what_does_not_fit_is_left_for_the_next_time() -> None:
    heads = {f"c{number}": _head(f"c{number}", number + 1, 250) for number in range(9)}
    assert sync_plan.named(heads, dict.fromkeys(heads, 0)) == (["c0", "c1", "c2"], True)


def test_one_chat_always_fits() -> None:
    heads = {"c": _head("c", 10**11, 256)}
    assert sync_plan.named(heads, {"c": 0}).chats == ["c"]


def _message(seq: int, payload: str) -> Frame:
    return {"type": "message", "chat": "c", "seq": seq, "payload": payload}


@given(st.lists(st.integers(0, 30_000), max_size=60), st.sampled_from(["p", "\u00e4", "\u4e2d"]))
@example([30_000] * 6, "\u4e2d")
@examples(60)
def test_each_post_fits_and_is_as_full_as_it_can_be(sizes: list[int], letter: str) -> None:
    messages = [_message(seq, letter * (n // 3)) for seq, n in enumerate(sizes, start=1)]
    posts = list(sync_plan.posts(messages))
    sent = [json.loads(text)["messages"] for _, text in posts]
    assert [{"type": "message", **each} for part in sent for each in part] == messages
    assert [count for count, _ in posts] == [len(part) for part in sent]
    lengths = [len(text.encode()) for _, text in posts]
    assert all(length <= sync_plan.POST_BYTES for length in lengths)
    for length, following in zip(lengths, sent[1:], strict=False):
        assert length + len(encode(following[0]).encode()) > sync_plan.POST_BYTES - 100


def test_the_time_to_wait_is_in_tenths_of_a_second_and_never_zero() -> None:
    assert sync_plan.synced({}, False, 0.001)["retry_after"] == 0.1
    assert sync_plan.synced({}, False, 14.95)["retry_after"] == 15.0
    assert "retry_after" not in sync_plan.synced({}, True, None)


def _seen_by(request_of: str | None = None, blocked_by: tuple[str, ...] = ()) -> Head:
    members = frozenset(("ravi", "raju", "mira"))
    return Head(
        "c",
        "ravi",
        "group",
        9,
        0,
        members,
        0,
        {},
        0,
        request_of,
        frozenset(blocked_by),
        ((2, 3), (5, 6)),
    )


def test_a_chat_shows_everything_of_ones_own_and_of_others_what_they_show() -> None:
    def member(delivered: int, read: int, **fields: bool) -> Item:
        return {"delivered": {"a": delivered, "b": 1}, "read": read, "joined_seq": 0, **fields}

    members = {
        "raju": member(7, 5),
        "ravi": member(9, 8, read_private=True),
        "mira": member(6, 4, read_private=True),
        "gone": member(9, 9),
    }
    shown = {
        "mira": {"delivered": 6, "read": 0},
        "raju": {"delivered": 7, "read": 5},
        "ravi": {"delivered": 9, "read": 8},
    }
    found = sync_plan.entry(_seen_by(), 3, 11, [(4, 4), (6, 7)], members)
    assert found == {
        "undelivered": [[2, 3], [5, 6]],
        "seq": 11,
        "after": 3,
        "complete_to": 11,
        "missing": [[4, 4], [6, 7]],
        "members": shown,
    }
    assert list(found["members"]) == sorted(shown)
    nothing = {"delivered": 0, "read": 0}
    for head in (_seen_by(request_of="raju"), _seen_by(blocked_by=("raju",))):
        members_shown = sync_plan.entry(head, 3, 8, [], members)["members"]
        assert members_shown == {**shown, "raju": nothing}
    plain = sync_plan.entry(_head("c", 9), 3, 8, [], {})
    assert plain == {"seq": 9, "after": 3, "complete_to": 8, "missing": [], "members": {}}


def test_a_cursor_is_there_when_a_page_follows() -> None:
    assert sync_plan.synced({}, True, None, "next")["cursor"] == "next"
    assert "cursor" not in sync_plan.synced({}, True, None)


def test_nothing_is_left_in_a_chat_that_has_only_what_was_before_joining() -> None:
    news = _head("a", 5, members=900)
    joined = replace(_head("b", 7, members=900), joined_seq=7)
    plan = sync_plan.named({"a": news, "b": joined}, {"a": 0, "b": 0})
    assert plan == sync_plan.Plan(["a"], left=False)
    plan = sync_plan.named({"a": news, "b": replace(joined, seq=8)}, {"a": 0, "b": 0})
    assert plan == sync_plan.Plan(["b"], left=True)


def test_something_is_left_if_any_chat_that_did_not_fit_has_news() -> None:
    big = {f"c{number}": _head(f"c{number}", number + 1, 250) for number in range(5)}
    after = {**dict.fromkeys(big, 0), "c3": 4}  # nothing new in it: it comes last
    assert sync_plan.named(big, after) == (["c0", "c1", "c2"], True)
    read = {name: head.seq for name, head in big.items()}
    assert sync_plan.named(big, read).left is False
