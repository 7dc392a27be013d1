"""Files at a store's path that are no store: the error names them, and they stay unchanged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from client.errors import StoreError
from client.store import Store
from client.store.tables import APPLICATION_ID, MIGRATIONS


def database(*statements: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    return make


NOTES = "CREATE TABLE notes (text TEXT)"
FOREIGN: dict[str, Callable[[Path], object]] = {
    "no mark at all": database(NOTES),
    "a version like ours": database(NOTES, "PRAGMA user_version = 2"),
    "a version above ours": database(NOTES, "PRAGMA user_version = 900"),
    "a mark of its own": database(NOTES, "PRAGMA application_id = 252006675"),
    "a mark, and no table yet": database("PRAGMA application_id = 252006675"),
    "tables of our names": database("CREATE TABLE session (id)", "CREATE TABLE messages (id)"),
    "tables and a version as we had": database(
        "CREATE TABLE session (id)", "PRAGMA user_version=1"
    ),
    "a log beside it": database("PRAGMA journal_mode = WAL", NOTES),
    "no database": lambda path: path.write_text("a shopping list, " * 100),
    "a few bytes": lambda path: path.write_bytes(b"x"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_program_is_left_as_it_is(kind: str, tmp_path: Path) -> None:
    path, beside = tmp_path / "s.sqlite", tmp_path / "s.lock"
    FOREIGN[kind](path)
    beside.write_text("another program's too")
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(path, "ravi", "phone")
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no file"):
        Store.open(tmp_path, "ravi", "phone")


def test_an_empty_file_becomes_a_store_that_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.touch()
    for _ in range(2):
        Store.open(path, "ravi", "phone").close()
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_a_store_from_before_the_mark_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path)) as db:
        for script in MIGRATIONS[:2]:
            db.executescript(script)
        db.execute("PRAGMA user_version = 3")
    Store.open(path, "ravi", "phone").close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_a_store_whose_program_ended_before_its_log_was_written_back_opens(tmp_path: Path) -> None:
    path, copy = tmp_path / "s.sqlite", tmp_path / "copy"
    copy.mkdir()
    store = Store.open(path, "ravi", "phone")
    for each in tmp_path.glob("s.*"):  # as the disk is when it dies
        (copy / each.name).write_bytes(each.read_bytes())
    store.close()
    Store.open(copy / "s.sqlite", "ravi", "phone").close()
