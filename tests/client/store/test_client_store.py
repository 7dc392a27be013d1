"""The store: the file in which a device keeps everything."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from client.core.cipher import Draft
from client.core.content import MessageContent, Reference, text_content
from client.core.frames import Message, Watermarks
from client.core.ledger import ReadPosition
from client.core.ticks import State
from client.errors import StoreError
from client.store import Store
from client.store.tables import FIRST, MIGRATIONS


def message(seq: int, text: str = "hi") -> Message:
    return Message("c", seq, f"id{seq}", "raju", "phone", 5.0, "olm.v1", text)


def test_what_is_committed_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ravi.sqlite"
    store = Store.open(path, "ravi", "phone")
    with store.transaction():
        store.open_chat("c")
        store.add(message(1), text_content("hi"), None)
        store.set_watermark("c", 1)
        store.add_own(Draft("own", "c", text_content("hello")), "ravi", "phone")
        store.queue("own", "c", {"action": "send", "alg": "olm.v1"})
    store.close()
    store = Store.open(path, "ravi", "phone")
    assert store.read_positions() == [ReadPosition("c", 1, 0, Watermarks())]
    assert [(m.seq, m.text, m.state) for m in store.history("c")] == [
        (1, "hi", None),
        (None, "hello", State.WAITING),
    ]
    assert [queued.message_id for queued in store.queued()] == ["own"]
    store.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.sqlite", "ravi", "phone")
    with pytest.raises(KeyError), store.transaction():
        store.open_chat("c")
        store.add(message(1), text_content("hi"), None)
        raise KeyError
    assert store.read_positions() == []
    assert store.history("c") == []
    store.close()


def test_every_commit_is_on_the_disk_before_anything_is_reported(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.sqlite", "ravi", "phone")
    with store.transaction() as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    store.close()


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store.open(path, "ravi", "phone").close()
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_file_serves_one_client_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = Store.open(path, "ravi", "phone")
    with pytest.raises(StoreError, match="another client of ravi/phone"):
        Store.open(path, "ravi", "phone")
    store.close()
    Store.open(path, "ravi", "phone").close()


def test_a_file_belongs_to_one_device(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store.open(path, "ravi", "phone").close()
    with pytest.raises(StoreError, match="belongs to ravi/phone"):
        Store.open(path, "raju", "phone")
    Store.open(path, "ravi", "phone").close()


def test_a_file_of_a_newer_client_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store.open(path, "ravi", "phone").close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {FIRST + len(MIGRATIONS)}")
    db.close()
    with pytest.raises(StoreError, match="newer client"):
        Store.open(path, "ravi", "phone")


def test_a_file_that_is_no_store_is_reported_as_such(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_text("this is a shopping list, " * 100)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(path, "ravi", "phone")


def test_of_two_profiles_the_newer_one_is_kept_whichever_comes_first() -> None:
    with closing(Store.open(":memory:", "ravi", "phone")) as store:
        for at in (2, 3, 1):
            fields = {"name": f"at {at}", "picture": None, "at": at}
            store.save_profile(MessageContent("profile", fields))
        kept = store.saved_profile()
        assert kept is not None and kept.fields["name"] == "at 3"


def test_who_was_added_twice_has_nothing_that_was_there_the_later_time() -> None:
    with closing(Store.open(":memory:", "ravi", "phone")) as store, store.transaction():
        store.open_chat("c")
        for at in (5, 9, 7):
            store.adding("c", ["mira"], at)
        store.set_members("c", {"ravi": Watermarks(), "mira": Watermarks()}, 0.0)
        assert store.member_after("c", "mira") == 9


def test_a_reply_shows_nothing_of_a_text_that_was_withdrawn() -> None:
    """No deletion stands for it, as nobody else has it."""
    with closing(Store.open(":memory:", "ravi", "phone")) as store:
        of, name = Reference("ravi/phone", "0" * 26), "1" * 26
        reply = {"text": "yes", "reply": of._asdict()}
        with store.transaction():
            store.open_chat("c")
            store.add_own(Draft(of.id, "c", text_content("a secret")), "ravi", "phone")
            store.erase("c", of, "deleted")
            store.add_own(Draft(name, "c", MessageContent("text", reply)), "ravi", "phone")
        (quoted,) = [each.reply for each in store.history("c") if each.reply is not None]
        assert (quoted.text, quoted.deleted) == (None, True)


def test_chats_are_listed_with_what_is_unread_the_newest_last() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    store.describe("a", "direct")
    store.describe("b", "group", "family")
    with store.transaction():
        store.set_members("a", {"ravi": Watermarks(), "raju": Watermarks()}, since=0)
        store.add(message(1), text_content("hi"), None)
        store.open_chat("c")
        store.set_watermark("c", 1)
    assert [(one.chat, one.name, one.members, one.unread) for one in store.chats()] == [
        ("a", None, ("raju", "ravi"), 0),
        ("b", "family", (), 0),
        ("c", None, (), 1),
    ]
    store.set_gone("a", True)
    assert [one.chat for one in store.chats()] == ["b", "c"]
    store.close()


def test_history_goes_back_page_by_page() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    with store.transaction():
        store.open_chat("c")
        for seq in range(1, 8):
            store.add(message(seq), text_content(f"m{seq}"), None)
        store.add_own(Draft("own", "c", text_content("later")), "ravi", "phone")
    newest = store.history("c", limit=3)
    assert [one.text for one in newest] == ["m6", "m7", "later"]
    older = store.history("c", limit=3, before=newest[0].seq)
    assert [one.text for one in older] == ["m3", "m4", "m5"]
    store.close()


def test_texts_of_any_kind_come_back_as_they_were() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    text = "नमस्ते 👋🏽 \x00 ' \u2028 end"
    with store.transaction():
        store.open_chat("c")
        store.add(message(1), text_content(text), None)
    assert store.history("c")[0].text == text
    store.close()


def test_a_payload_is_kept_only_until_it_can_be_read() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    with store.transaction() as db:
        store.open_chat("c")
        store.add(message(1), text_content("read"), None)
        store.add(message(2, "sealed"), None, None)
        rows = db.execute("SELECT payload FROM messages ORDER BY seq").fetchall()
    assert rows == [(None,), ("sealed",)]
    store.close()


def test_a_mark_reads_the_messages_whose_tick_it_moves_and_no_others() -> None:
    """However many there are that nobody has read yet."""
    store = Store.open(":memory:", "ravi", "phone")
    with store.transaction():
        for seq, state in enumerate((State.READ, State.DELIVERED, State.DELIVERED, State.SENT), 1):
            store.add_own(Draft(f"own{seq}", "c", text_content("hello")), "ravi", "phone")
            store.place_own(f"own{seq}", seq, 5.0, now=5.0)
            store.set_state(f"own{seq}", state)

    def moved(delivered: int, read: int) -> list[int | None]:
        return [own.seq for own in store.ticking("c", Watermarks(delivered, read))]

    assert moved(3, 1) == []
    assert moved(4, 1) == [4]
    assert moved(3, 2) == [2]
    assert moved(4, 4) == [2, 3, 4]
    asked: list[str] = []
    store.db.set_trace_callback(asked.append)
    moved(4, 1)
    store.db.set_trace_callback(None)
    plan = [row[3] for row in store.db.execute(f"EXPLAIN QUERY PLAN {asked[0]}")]
    assert not any(step.startswith("SCAN") for step in plan), plan
    assert sum("state=? AND seq<?" in step for step in plan) == 2, plan
    store.close()


def test_texts_of_a_store_from_before_kinds_are_shown_and_unread_as_they_were(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.sqlite"
    before = 5 - FIRST + 1  # the migrations up to version 5
    with closing(sqlite3.connect(path)) as db:
        for script in MIGRATIONS[:before]:
            db.executescript(script)
        db.execute(f"PRAGMA user_version = {FIRST - 1 + before}")
        db.execute("INSERT INTO chats (chat, watermark) VALUES ('c', 1)")
        db.execute(
            "INSERT INTO messages (chat, seq, message_id, sender, sender_device, alg, text) "
            "VALUES ('c', 1, 'm', 'raju', 'phone', '', 'from before')"
        )
        db.commit()
    store = Store.open(path, "ravi", "phone")
    (message,) = store.history("c")
    assert (message.kind, message.text, message.edited) == ("text", "from before", False)
    assert [chat.unread for chat in store.chats()] == [1]
    store.close()


def test_a_file_waits_until_it_is_removed() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    with store.transaction():
        for name in ("m1", "m2"):
            store.add_upload(name, "c", {"name": name}, name.encode())
    assert [store.upload_body(name) for name in ("m1", "m2", "m3")] == [b"m1", b"m2", None]
    with store.transaction():
        assert store.remove_upload("m1") and not store.remove_upload("m1")
    assert [(each.message_id, each.size) for each in store.uploads()] == [("m2", 2)]
    store.close()


def test_what_is_hidden_and_was_opened_is_not_tried_again() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    with store.transaction():
        store.open_chat("c")
        for seq in (1, 2):
            store.add_hidden(message(seq), keep=True)
    assert [each.seq for each in store.waiting("raju")] == [1, 2]
    with store.transaction():
        store.opened_hidden(message(1))
    assert [each.seq for each in store.waiting("raju")] == [2]
    store.close()


def test_of_a_chat_that_is_not_known_nothing_is_undelivered() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    assert store.undelivered("nowhere") == ()
    store.close()
