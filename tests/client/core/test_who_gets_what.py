"""Messages that a client sends by itself, and to whom: the own profile, names and timers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from itertools import count
from typing import Any

import pytest

from client.core.content import VERSION, MessageContent, Reference, parse
from client.core.frames_generated import Message, Watermarks
from client.errors import CannotWrite
from client.store import Store
from client.writing import Writing


class Scene:
    """ravi's phone; `sent` has `chat: kind`, and `chat -> device: kind` of what is for one alone."""

    def __init__(self) -> None:
        self.store = Store.open(":memory:", "ravi", "phone")
        self.sent: list[str] = []
        self.contents: list[MessageContent] = []
        self.names = True
        self.seqs = count(1)
        self.writing = Writing("ravi", self.store, self._send, self._may_name, self._to_device)

    async def _send(self, chat: str, content: MessageContent, _urgent: bool) -> str:
        self._note(chat, content)
        return "0" * 26

    def _to_device(self, chat: str, device: str, content: MessageContent) -> None:
        self._note(f"{chat} -> {device}", content)

    async def _may_name(self, _chat: str) -> bool:
        return self.names

    def _note(self, where: str, content: MessageContent) -> None:
        self.sent.append(f"{where}: {content.kind}")
        self.contents.append(content)

    def chat(self, name: str, kind: str, *others: str, left: bool = False) -> None:
        self.store.describe(name, kind)
        with self.store.transaction():
            members = {user: Watermarks(0, 0) for user in ("ravi", *others)}
            self.store.set_members(name, members, 0)
            self.store.set_watermark(name, 1)
            self.store.set_gone(name, left)

    def wrote(self, user: str, chat: str, kind: str, **fields: Any) -> Reference:
        """A message that stands in the chat."""
        content = parse({"v": VERSION, "kind": kind, **fields})
        assert content.kind == kind
        seq = next(self.seqs)
        name = f"{seq:026}" if kind == "text" else str(uuid.uuid4())
        message = Message(chat, seq, name, user, "desk", 0, "olm.v1")
        with self.store.transaction():
            self.store.add(message, content, None)
        return Reference(f"{user}/desk", name)

    def profile(self, user: str, chat: str, at: int) -> None:
        self.wrote(user, chat, "profile", name="R", picture=None, at=at)

    def kept(self, at: int) -> None:
        fields = {"name": "R", "picture": None, "at": at}
        self.store.save_profile(MessageContent("profile", fields))

    def does(self, act: Coroutine[Any, Any, Any]) -> list[str]:
        """What is sent by it."""
        before = len(self.sent)
        asyncio.run(act)
        return self.sent[before:]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_profile_goes_to_whom_the_user_has_written_directly_and_to_nobody_else(
    scene: Scene,
) -> None:
    scene.chat("written", "direct", "raju")
    scene.wrote("ravi", "written", "text", text="hello")
    scene.chat("stranger", "direct", "zoe")
    hello = scene.wrote("zoe", "stranger", "text", text="hello")
    scene.wrote("ravi", "stranger", "reaction", of=hello._asdict(), emoji="👍")
    scene.chat("left", "direct", "mira", left=True)
    scene.wrote("ravi", "left", "text", text="hello")
    scene.chat("group", "group", "raju", "zoe")
    scene.wrote("ravi", "group", "text", text="hello")
    scene.chat("timed", "direct", "mira")  # a stranger's request, which a timer does not answer
    scene.wrote("ravi", "timed", "timer", seconds=60)
    scene.kept(9_000_000_000_000)  # by a clock that was ahead
    assert scene.does(scene.writing.set_profile("Ravi", None)) == ["written: profile"]
    assert scene.contents[-1].fields["at"] == 9_000_000_000_001
    assert scene.writing.profile("ravi").name == "Ravi"


@pytest.mark.parametrize(("before", "goes"), [(None, True), (1, True), (2, False)])
def test_with_a_text_goes_the_profile_unless_its_newest_version_was_sent(
    scene: Scene, before: int | None, goes: bool
) -> None:
    scene.kept(2)
    scene.chat("written", "direct", "raju")
    scene.profile("raju", "written", 3)  # somebody else's
    if before is not None:
        scene.profile("ravi", "written", before)
    sent = scene.does(scene.writing.text("written", "hello"))
    assert sent == ["written: text", *(["written: profile"] if goes else [])]
    scene.chat("group", "group", "raju", "zoe")
    assert scene.does(scene.writing.text("group", "hello")) == ["group: text"]


def test_a_new_device_of_somebody_gets_the_profile_where_its_user_has_it(scene: Scene) -> None:
    scene.kept(2)
    scene.chat("has it", "direct", "raju")
    scene.profile("ravi", "has it", 2)
    scene.chat("has an older one", "direct", "zoe")
    scene.profile("ravi", "has an older one", 1)
    scene.chat("group", "group", "raju", "zoe")
    scene.profile("ravi", "group", 2)
    for user in ("raju", "zoe", "mira"):
        scene.does(scene.writing.introduce_to(user, "new"))
    assert scene.sent == ["has it -> raju/new: profile"]


def test_a_new_device_of_ones_own_gets_what_chats_are_called_and_the_profile_where_others_have_it(
    scene: Scene,
) -> None:
    scene.kept(2)
    scene.chat("a", "direct", "zoe")
    scene.wrote("zoe", "a", "timer", seconds=60)
    for name in ("b", "c"):
        scene.chat(name, "direct", "raju")
        scene.profile("ravi", name, 2)
    scene.chat("d", "group", "raju", "zoe")
    for called in ("old", "new"):
        scene.wrote("zoe", "d", "chat_name", name=called)
    scene.chat("e", "group", "raju", "zoe", left=True)
    scene.wrote("zoe", "e", "chat_name", name="gone")
    sent = scene.does(scene.writing.repeat_for_device("ravi/new"))
    expected = {"a -> ravi/new: timer", "d -> ravi/new: chat_name"}
    assert {each for each in sent if "profile" not in each} == expected
    assert [each.partition(":")[0] for each in sent if "profile" in each] in (
        ["b -> ravi/new"],
        ["c -> ravi/new"],
    )
    (named,) = [each for each in scene.contents if each.kind == "chat_name"]
    assert (named.fields["name"], named.fields["at"]) == ("new", 5)


def test_a_new_device_of_ones_own_gets_no_profile_that_nobody_has(scene: Scene) -> None:
    """It would think that they have it, and never send it."""
    scene.kept(2)
    scene.chat("a", "direct", "zoe")
    scene.profile("ravi", "a", 1)
    assert scene.does(scene.writing.repeat_for_device("ravi/new")) == []


def test_what_is_repeated_stands_where_it_stood_at_first_also_the_second_time(
    scene: Scene,
) -> None:
    scene.chat("group", "group", "raju")
    scene.wrote("raju", "group", "text", text="hello")
    scene.wrote("raju", "group", "timer", seconds=60, at=1)
    scene.does(scene.writing.repeat_for_newcomers("group"))
    (content,) = scene.contents
    assert (content.fields["seconds"], content.fields["at"]) == (60, 1)


@pytest.mark.parametrize(("seconds", "expires"), [(60, 60), (0, None)])
def test_a_text_and_a_file_disappear_after_the_time_of_their_chat(
    scene: Scene, seconds: int, expires: int | None
) -> None:
    scene.chat("direct", "direct", "raju")
    scene.wrote("raju", "direct", "timer", seconds=seconds)
    scene.does(scene.writing.text("direct", "hello"))
    assert scene.contents[-1].fields.get("expires") == expires
    assert scene.writing.describe_file("direct").get("expires") == expires


def test_nobody_changes_what_others_wrote_or_what_is_no_text(scene: Scene) -> None:
    scene.chat("direct", "direct", "raju")
    theirs = scene.wrote("raju", "direct", "text", text="hello")
    timer = scene.wrote("ravi", "direct", "timer", seconds=60)
    for act in (
        scene.writing.edit("direct", theirs, "bye"),
        scene.writing.delete("direct", theirs),
        scene.writing.edit("direct", timer, "bye"),
        scene.writing.set_name("direct", "ours"),
    ):
        with pytest.raises(CannotWrite):
            asyncio.run(act)
    scene.chat("group", "group", "raju")
    scene.names = False
    with pytest.raises(CannotWrite):
        asyncio.run(scene.writing.set_name("group", "ours"))
    assert scene.sent == []
