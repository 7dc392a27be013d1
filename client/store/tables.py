"""The tables of a device's file, and the migration of older files (PRAGMA user_version)."""

from __future__ import annotations

import sqlite3
from collections.abc import Set
from contextlib import closing
from pathlib import Path

from client.errors import StoreError
from client.store.database import Database
from client.store.uploads import TABLE as UPLOADS

MAGIC = b"SQLite format 3\0"  # how each such file begins
# "Swbd" in the header of the file, by which programs know whose it is
# (https://sqlite.org/pragma.html#pragma_application_id).
APPLICATION_ID = 0x53776264
# Files from before the id was written are known by these tables.
OWN_TABLES = frozenset({"session", "chats", "vault", "account"})

# Version 1 was that of the client without encryption: its keys opened no session, so nothing that
# was written to them or with them can be carried over.
FIRST = 2

# Version 2: one file per user and device. Every `pickle` is encrypted (client/store/vault.py);
# times are in epoch seconds, and but for `sent_at` by this device's own clock.
_INITIAL = """
CREATE TABLE session (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    user TEXT NOT NULL, device TEXT NOT NULL,
    access_token TEXT, refresh_token TEXT,
    push_platform TEXT, push_token TEXT
);
CREATE TABLE chats (
    chat TEXT PRIMARY KEY,
    kind TEXT, name TEXT,
    gone INTEGER NOT NULL DEFAULT 0, -- the user is not in it (any more)
    watermark INTEGER NOT NULL DEFAULT 0, read INTEGER NOT NULL DEFAULT 0,
    members_told INTEGER NOT NULL DEFAULT 0, -- whether the server ever said who is in the chat
    members_at INTEGER NOT NULL DEFAULT 0, -- the newest seq when it last did
    reported_delivered INTEGER NOT NULL DEFAULT 0, reported_read INTEGER NOT NULL DEFAULT 0
);
-- what was written at or below `after` was written before the user was in the chat
CREATE TABLE members (
    chat TEXT NOT NULL, user TEXT NOT NULL,
    delivered INTEGER NOT NULL, read INTEGER NOT NULL,
    after INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (chat, user)
) WITHOUT ROWID;
-- whom this device is adding: what stands at or below `after` is not for them
CREATE TABLE adding (
    chat TEXT NOT NULL, user TEXT NOT NULL, after INTEGER NOT NULL, PRIMARY KEY (chat, user)
) WITHOUT ROWID;
-- nor is what was sealed by then, wherever it will stand
CREATE TABLE not_for (
    message_id TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (message_id, user)
) WITHOUT ROWID;
-- text is NULL while it can't be read, and reason says why; state is NULL for what others wrote;
-- seq is NULL until the server has given a position, and accepted_at until this device knew of it
CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    chat TEXT NOT NULL, seq INTEGER,
    message_id TEXT NOT NULL, sender TEXT NOT NULL, sender_device TEXT NOT NULL,
    sent_at REAL, alg TEXT NOT NULL,
    payload TEXT, -- kept only while it could not be opened
    text TEXT, state INTEGER, reason TEXT,
    asked INTEGER NOT NULL DEFAULT 0, ask_at REAL, -- how often its sender was asked, when next
    accepted_at REAL, -- only of what this device wrote
    UNIQUE (chat, sender, sender_device, message_id)
);
CREATE INDEX messages_in_order ON messages (chat, seq);
CREATE INDEX messages_by_id ON messages (message_id);
CREATE INDEX messages_not_read ON messages (chat, state, seq) WHERE state IN (2, 3);
CREATE INDEX messages_to_ask_for ON messages (ask_at) WHERE ask_at IS NOT NULL;
CREATE INDEX messages_waiting ON messages (sender, chat) WHERE payload IS NOT NULL;
CREATE TABLE missing (chat TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE, chat TEXT NOT NULL, frame TEXT NOT NULL
);
CREATE TABLE drafts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE, chat TEXT NOT NULL, urgent INTEGER NOT NULL
);
-- messages that were taken and not shown; the payload only of those to be opened later
CREATE TABLE hidden (
    chat TEXT NOT NULL, sender TEXT NOT NULL, sender_device TEXT NOT NULL,
    message_id TEXT NOT NULL, seq INTEGER NOT NULL, sent_at REAL NOT NULL, alg TEXT NOT NULL,
    payload TEXT,
    PRIMARY KEY (chat, sender, sender_device, message_id)
) WITHOUT ROWID;

CREATE TABLE vault (only INTEGER PRIMARY KEY CHECK (only = 1), salt BLOB, proof TEXT NOT NULL);
CREATE TABLE account (
    only INTEGER PRIMARY KEY CHECK (only = 1), pickle TEXT NOT NULL,
    made_at REAL NOT NULL DEFAULT 0, fallback_at REAL NOT NULL DEFAULT 0
);
-- the keys that are trusted, since seen_at, and those shown instead that wait for acceptance
CREATE TABLE devices (
    user TEXT NOT NULL, device TEXT NOT NULL,
    curve25519 TEXT, ed25519 TEXT, new_curve25519 TEXT, new_ed25519 TEXT,
    verified INTEGER NOT NULL DEFAULT 0, registered INTEGER NOT NULL DEFAULT 1,
    seen_at REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (user, device)
) WITHOUT ROWID;
CREATE TABLE olm_sessions (
    session_id TEXT PRIMARY KEY, chat TEXT NOT NULL, device TEXT NOT NULL, pickle TEXT NOT NULL,
    made INTEGER NOT NULL, heard INTEGER NOT NULL DEFAULT 0, touched INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX olm_sessions_of_a_pair ON olm_sessions (chat, device);
CREATE INDEX olm_sessions_in_order ON olm_sessions (touched);
CREATE TABLE known_sessions (session_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE group_outbound (
    chat TEXT PRIMARY KEY, pickle TEXT NOT NULL, made_at REAL NOT NULL, messages INTEGER NOT NULL
) WITHOUT ROWID;
-- again: the device has the key, and says that it lacks it
CREATE TABLE group_holders (
    chat TEXT NOT NULL, device TEXT NOT NULL, ed25519 TEXT NOT NULL,
    again INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (chat, device)
) WITHOUT ROWID;
-- a group session is that of the device which sent its key, not of the first sender;
-- used_at: when its key came or it last opened something
CREATE TABLE group_inbound (
    chat TEXT NOT NULL, device TEXT NOT NULL, session_id TEXT NOT NULL, pickle TEXT NOT NULL,
    used_at REAL NOT NULL, PRIMARY KEY (chat, device, session_id)
) WITHOUT ROWID;
CREATE INDEX group_inbound_by_use ON group_inbound (used_at);
CREATE TABLE group_indexes (
    chat TEXT NOT NULL, device TEXT NOT NULL, session_id TEXT NOT NULL, number INTEGER NOT NULL,
    message_id TEXT NOT NULL, PRIMARY KEY (chat, device, session_id, number)
) WITHOUT ROWID;
-- to-device messages, and how often each device was sent which text again
CREATE TABLE errands (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    chat TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, fields TEXT NOT NULL,
    UNIQUE (chat, device, kind, fields)
);
CREATE TABLE copies (
    chat TEXT NOT NULL, message_id TEXT NOT NULL, device TEXT NOT NULL, sent INTEGER NOT NULL,
    PRIMARY KEY (chat, message_id, device)
) WITHOUT ROWID;
"""

# Version 3. Identities that devices had before the ones in `devices`: they open what was sent then.
# `registered_at` is a time of the backend's clock, as `sent_at`.
_FORMER = """
ALTER TABLE account ADD COLUMN registered_at REAL;
CREATE TABLE former_identities (
    user TEXT NOT NULL, device TEXT NOT NULL, curve25519 TEXT NOT NULL, ed25519 TEXT NOT NULL,
    PRIMARY KEY (user, device, ed25519)
) WITHOUT ROWID;
"""

# Version 4. The mark of whose file it is.
_MARK = f"PRAGMA application_id = {APPLICATION_ID};"

# Version 5. Closed ranges of seqs, in JSON, that were hidden from the other one by a block.
_UNDELIVERED = "ALTER TABLE chats ADD COLUMN undelivered TEXT NOT NULL DEFAULT '[]';"

# Version 6. Contents of other kinds than a plain text; `content` is NULL of that. `target` is the
# sender's device and the id of the message that is changed. `hidden`: it has no place in the
# history; `counts`: it may be unread; `gone`: why its text was removed. `expires` is in seconds.
_CONTENTS = """
ALTER TABLE messages ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';
ALTER TABLE messages ADD COLUMN content TEXT;
ALTER TABLE messages ADD COLUMN target TEXT;
ALTER TABLE messages ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN counts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN gone TEXT;
ALTER TABLE messages ADD COLUMN expires INTEGER;
ALTER TABLE messages ADD COLUMN counted_from REAL;
ALTER TABLE session ADD COLUMN profile TEXT; -- the own one, which may have been sent to nobody yet
CREATE INDEX messages_changing ON messages (chat, target) WHERE target IS NOT NULL;
CREATE INDEX messages_by_kind ON messages (kind, chat) WHERE kind != 'text';
CREATE INDEX messages_disappearing ON messages (counted_from) WHERE counted_from IS NOT NULL;
"""

# Version 8. Devices that this one has linked: verified once the directory lists these keys.
_INTRODUCED = """
CREATE TABLE introduced (
    user TEXT NOT NULL, device TEXT NOT NULL, curve25519 TEXT NOT NULL, ed25519 TEXT NOT NULL,
    PRIMARY KEY (user, device)
) WITHOUT ROWID;
"""

# Version 9. What the device that linked this one has signed about it.
_INTRODUCTION = """
ALTER TABLE account ADD COLUMN introduced_by TEXT;
ALTER TABLE account ADD COLUMN introduction TEXT;
"""

# Version 10. The user had to accept the keys of this device: no other device vouches for them.
_ACCEPTED = "ALTER TABLE devices ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;"

# Version 11. What is asked for at each message that comes, however many wait.
_TO_ASK = """
CREATE INDEX messages_first_waiting ON messages (chat, seq, sender)
    WHERE ask_at IS NOT NULL AND NOT hidden;
CREATE INDEX messages_to_ask_of ON messages (chat, sender, sender_device, ask_at)
    WHERE ask_at IS NOT NULL;
"""

# Version 12. Whether it is a direct chat that a stranger has begun, and the user has not answered;
# NULL is not known.
_REQUEST = "ALTER TABLE chats ADD COLUMN request INTEGER;"

# Version 7 has the files that wait to be uploaded.
MIGRATIONS: tuple[str, ...] = (
    *(_INITIAL, _FORMER, _MARK, _UNDELIVERED, _CONTENTS, UPLOADS),
    *(_INTRODUCED, _INTRODUCTION, _ACCEPTED, _TO_ASK, _REQUEST),
)


def require_own_file(path: Path) -> None:
    """Raises StoreError if there is something at `path` that is no store. Changes nothing there."""
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    if not path.is_file():
        raise StoreError(f"{path} is no file")
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise StoreError(f"{path} cannot be opened: it is no database")
    # `immutable`: SQLite makes no file beside it, and looks at none; so not where a log is there.
    alone = not path.with_name(f"{path.name}-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        with closing(sqlite3.connect(uri, uri=True, factory=Database)) as db:
            _require_own(db)
    except (StoreError, sqlite3.Error) as error:
        raise StoreError(f"{path} cannot be opened: {error}") from error


def _require_own(db: sqlite3.Connection) -> int:
    """The version of a store. Raises StoreError if it is none that this client can use."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    rows = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    tables: Set[str] = {name for (name,) in rows}
    empty = not tables and application == version == 0
    without_encryption = 0 < version < FIRST and "session" in tables
    unmarked = application == 0 and (tables >= OWN_TABLES or without_encryption)
    if not (application == APPLICATION_ID or empty or unmarked):
        raise StoreError(
            "it is a database of another program, and was not changed; choose another data folder"
        )
    if without_encryption:
        raise StoreError(
            "this file was written by a client without encryption, and can't be used with it; "
            "move it away, and this device starts anew"
        )
    newest = FIRST - 1 + len(MIGRATIONS)
    if version > newest:
        raise StoreError(
            f"this file was written by a newer client (version {version}, this one knows up to "
            f"{newest}); update the client or choose another data folder"
        )
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the file to the newest version, each step in its own transaction."""
    done = max(_require_own(connection), FIRST - 1)
    for number, script in enumerate(MIGRATIONS[done - FIRST + 1 :], start=done + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
        )
