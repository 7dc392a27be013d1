"""Messages that change others, in every order in which they may come."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.core.content import MessageContent, Reference, parse, text_content
from client.core.events import MessageReadable, MessageReceived, ProfileChanged
from client.core.ids import change_id, hidden_id, ulid
from tests.client.crypto.test_pure_crypto import VECTORS
from tests.client.store.receiving_device import CHAT, START, TEXT, Device, change
from tests.support.examples import examples

STORY = json.loads((VECTORS / "views.json").read_text(encoding="utf-8"))["story"]
LATER = Reference("raju/web", "01JDB2F6Y8W6X1T9N5R3Q7P0AC")
PICTURE = "/9j/wAARCABgAGADAREAAhEBAxEB"  # a JPEG's header, of 96 x 96 pixels


CHANGES = (
    ("raju/phone", change("edit", text="an edit")),
    ("raju/web", change("edit", text="the last edit")),
    ("mira/phone", change("edit", text="a forged edit")),
    ("mira/phone", change("deletion")),
    ("mira/phone", change("reaction", emoji="👍")),
    ("mira/phone", change("reaction", emoji="❤️")),
    ("ravi/web", change("reaction", emoji="👍")),
    ("ravi/web", change("reaction", emoji=None)),
    ("raju/web", change("deletion", LATER)),
    ("raju/phone", change("deletion")),
    ("raju/phone", MessageContent("chat_name", {"name": "One"})),
    ("mira/phone", MessageContent("chat_name", {"name": "Two"})),
    ("ravi/web", MessageContent("chat_name", {"name": "One", "at": 11})),
    ("raju/phone", MessageContent("timer", {"seconds": 60})),
)


def entries(chosen: Iterable[int]) -> list[tuple[int, Reference, MessageContent]]:
    texts = [(1, TEXT, text_content("a secret")), (2, LATER, text_content("another secret"))]
    others = [
        (
            3 + number,
            Reference(CHANGES[number][0], f"{number:08d}-0000-7000-8000-000000000000"),
            content,
        )
        for number in chosen
        for content in (CHANGES[number][1],)
    ]
    return texts + others


@examples(150)
@given(data=st.data())
def test_the_same_messages_show_the_same_in_whatever_order_and_however_often(data: Any) -> None:
    """Some are taken without their key and are read later; some come twice."""
    everything = entries(data.draw(st.sets(st.integers(0, len(CHANGES) - 1))))
    in_order, shuffled = Device(), Device()
    for each in everything:
        in_order.take(*each, readable=True)
    order = data.draw(st.permutations(everything))
    order += data.draw(st.lists(st.sampled_from(order), max_size=4))
    late = data.draw(st.sets(st.sampled_from([of.id for _, of, _ in everything])))
    for each in order:
        shuffled.take(*each, readable=each[1].id not in late)
    shuffled.read_all()
    assert sorted(shuffled.seen(), key=str) == sorted(in_order.seen(), key=str)
    assert shuffled.store.chats() == in_order.store.chats()
    gone = {content.target for _, of, content in everything if content.kind == "deletion"
            and content.target and of.user == content.target.user}  # fmt: skip
    for target, secrets in ((TEXT, ("a secret", "the last edit", "❤️")), (LATER, ("another",))):
        if target in gone:
            assert not any(f"'{word}" in shuffled.stored() for word in secrets)


@examples(60)
@given(data=st.data())
def test_the_story_of_both_clients_ends_the_same_in_whatever_order_it_comes(data: Any) -> None:
    device = Device()
    everything = [
        (each["seq"], Reference(each["by"], each["id"]), parse(each["content"]))
        for each in STORY["messages"]
    ]
    late = data.draw(st.sets(st.sampled_from([of.id for _, of, _ in everything])))
    for each in data.draw(st.permutations(everything)):
        device.take(*each, readable=each[1].id not in late)
    device.read_all()
    with device.store.transaction():
        device.store.set_watermark(CHAT, len(everything))
    device.store.describe(CHAT, "group", None)
    history = [
        {
            "seq": each.seq,
            "kind": each.kind,
            "text": each.text,
            "deleted": each.deleted,
            "reactions": [list(reaction) for reaction in each.reactions],
        }
        for each in device.store.history(CHAT)
    ]
    (summary,) = device.store.chats()
    assert history == STORY["history"]
    assert (summary.name, summary.timer) == (STORY["name"], STORY["timer"])
    assert summary.unread == STORY["unread"]
    assert STORY["gone"] not in device.stored()


def test_a_change_whose_message_is_not_here_does_nothing_and_is_kept() -> None:
    device = Device()
    device.take(3, Reference("raju/phone", change_id(1, Random(7))), CHANGES[0][1], readable=True)
    assert device.seen() == []
    assert device.store.unread(CHAT) == []
    device.take(1, TEXT, text_content("late"), readable=True)
    assert [each[2] for each in device.seen()] == ["an edit"]


def test_a_change_that_can_not_be_read_is_asked_for_and_not_shown() -> None:
    device = Device()
    device.take(1, TEXT, text_content("hello"), readable=True)
    name = change_id(1, Random(7))
    device.take(2, Reference("raju/phone", name), CHANGES[0][1], readable=False)
    assert [each[2] for each in device.seen()] == ["hello"]
    assert device.store.chats()[0].unread == 1
    asked = device.store.asks(START + 60)
    assert asked == {(CHAT, "raju/phone"): [name]}
    assert device.store.first_waiting(CHAT) is None  # it holds no receipt back


def test_what_was_deleted_before_it_could_be_read_is_never_stored() -> None:
    device = Device()
    device.take(1, TEXT, text_content("a secret"), readable=False)
    assert device.store.chats()[0].unread == 1
    deletion = Reference("raju/phone", change_id(1, Random(7)))
    device.take(2, deletion, CHANGES[9][1], readable=True)
    assert device.store.chats()[0].unread == 0
    device.read_all()
    assert [(each[2], each[4]) for each in device.seen()] == [("", True)]
    assert "secret" not in device.stored()
    assert device.store.asks(START + 1e9) == {}


@pytest.mark.parametrize("readable", [True, False])
def test_the_text_of_what_was_deleted_before_it_came_is_shown_to_nobody(readable: bool) -> None:
    device = Device()
    deletion = Reference("raju/phone", change_id(1, Random(1)))
    device.take(2, deletion, CHANGES[9][1], readable=True)
    device.take(1, TEXT, text_content("a secret"), readable=readable)
    device.read_all()
    shown = [each for each in device.events if isinstance(each, MessageReceived | MessageReadable)]
    assert shown and {each.text for each in shown} <= {"", None}
    received = [each for each in shown if isinstance(each, MessageReceived)]
    assert [each.counts for each in received] == [not readable]
    assert device.store.chats()[0].unread == 0
    assert "secret" not in device.stored()


@pytest.mark.parametrize("kind", [None, "direct", "group"])
def test_only_a_group_has_the_name_and_the_picture_that_somebody_wrote(kind: str | None) -> None:
    device = Device()
    if kind is not None:
        device.store.describe(CHAT, kind, None)
    for seq, content in enumerate(
        [
            MessageContent("chat_name", {"name": "Your bank"}),
            MessageContent("chat_picture", {"picture": PICTURE}),
        ],
        start=1,
    ):
        device.take(seq, Reference("raju/phone", change_id(seq, Random(7))), content, readable=True)
    (summary,) = device.store.chats()
    expected = ("Your bank", PICTURE) if kind == "group" else (None, None)
    assert (summary.name, summary.picture) == expected


def test_ids_of_changes_are_uuids_of_version_7_in_the_order_of_time() -> None:
    random = Random(7)
    ids = [change_id(milliseconds, random) for milliseconds in (0, 1, 1 << 20, (1 << 48) - 1)]
    assert ids == sorted(ids)
    assert all(each[14] == "7" and each[19] in "89ab" for each in ids)
    assert ulid(1, random)[14:15] != "-"
    for one, other in itertools.pairwise(ids):
        assert one != other


@pytest.mark.parametrize(("by", "kept"), [("ravi/web", True), ("raju/phone", False)])
def test_a_profile_is_reported_and_one_s_own_is_kept(by: str, kept: bool) -> None:
    device = Device()
    profile = MessageContent("profile", {"name": "Ravi", "picture": None, "at": 5})
    device.take(1, Reference(by, change_id(1, Random(1))), profile, readable=True)
    assert ProfileChanged(by.partition("/")[0]) in device.events
    assert (device.store.saved_profile() is not None) is kept


@pytest.mark.parametrize("blocked", [True, False])
def test_what_is_hidden_is_kept_where_it_may_be_opened_once_its_sender_is_accepted(
    blocked: bool,
) -> None:
    device = Device()
    device.cipher.blocked = blocked
    hidden = Reference("raju/phone", hidden_id(Random(1)))
    device.take(1, hidden, text_content("a group's key, say"), readable=False)
    assert [each.message_id for each in device.store.waiting("raju")] == [hidden.id] * blocked


def test_an_own_text_that_cannot_be_read_was_written_in_a_chat_and_a_change_was_not() -> None:
    device, random = Device(), Random(1)
    reaction = change("reaction", emoji="👍")
    device.take(1, Reference("ravi/web", change_id(1, random)), reaction, readable=False)
    assert not device.store.wrote_in(CHAT)
    device.take(2, Reference("raju/phone", ulid(1, random)), text_content("hello"), readable=True)
    assert not device.store.wrote_in(CHAT)
    device.take(3, Reference("ravi/web", ulid(1, random)), text_content("hello"), readable=False)
    assert device.store.wrote_in(CHAT)
