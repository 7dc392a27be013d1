"""The tables of a device's file, and how older files become today's (PRAGMA user_version)."""

from __future__ import annotations

import sqlite3

from client.errors import StoreError

# Version 1: one file per user and device.
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
    gone INTEGER NOT NULL DEFAULT 0, -- the backend does not list it (any more)
    watermark INTEGER NOT NULL DEFAULT 0, read INTEGER NOT NULL DEFAULT 0,
    reported_delivered INTEGER NOT NULL DEFAULT 0, reported_read INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE members (
    chat TEXT NOT NULL, user TEXT NOT NULL,
    delivered INTEGER NOT NULL, read INTEGER NOT NULL,
    PRIMARY KEY (chat, user)
) WITHOUT ROWID;
-- state is NULL for what others wrote; seq is NULL until the server has given a position
CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    chat TEXT NOT NULL, seq INTEGER,
    message_id TEXT NOT NULL, sender TEXT NOT NULL, sender_device TEXT NOT NULL,
    sent_at REAL, alg TEXT NOT NULL,
    payload TEXT, -- kept only while it could not be opened
    text TEXT, state INTEGER, reason TEXT,
    UNIQUE (chat, sender, sender_device, message_id)
);
CREATE INDEX messages_in_order ON messages (chat, seq);
CREATE INDEX messages_by_id ON messages (message_id);
CREATE INDEX messages_not_read ON messages (chat, state, seq) WHERE state IN (2, 3);
CREATE TABLE missing (chat TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE, chat TEXT NOT NULL, frame TEXT NOT NULL
);
CREATE TABLE device_keys (name TEXT PRIMARY KEY, private BLOB NOT NULL);
-- private is NULL once the key was used; published is 0 until the server has confirmed it
CREATE TABLE one_time_keys (
    id TEXT PRIMARY KEY, private BLOB, fallback INTEGER NOT NULL, published INTEGER NOT NULL
);
CREATE TABLE known_devices (
    user TEXT NOT NULL, device TEXT NOT NULL,
    curve25519 TEXT NOT NULL, ed25519 TEXT NOT NULL,
    PRIMARY KEY (user, device)
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[str, ...] = (_INITIAL,)


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the file to the newest version, each step in its own transaction."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StoreError(
            f"this file was written by a newer client (version {version}, this one knows up to "
            f"{len(MIGRATIONS)}); update the client or choose another data folder"
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
        )
