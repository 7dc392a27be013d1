"""Quiet chats: users who are not rung although a text waits."""

import pytest

from lambdas.messages.chats import Chats
from lambdas.messages.direct import Begin, DirectChats
from lambdas.notifications.quiet import is_quiet
from tests.support.lambdas import given
from tests.support.lambdas.backend import Backend


@pytest.mark.parametrize(
    ("request_of", "rang_at", "muted_for", "quiet"),
    [
        (None, 0, 0, False),
        (None, 1, 0, False),
        ("raju", 0, 0, False),
        ("raju", 1, 0, True),
        ("ravi", 1, 0, False),
        (None, 0, 60, True),
        (None, 0, -1, False),
    ],
)
def test_a_request_rings_once_and_a_muted_chat_never(
    world: Backend, request_of: str | None, rang_at: int, muted_for: int, quiet: bool
) -> None:
    for name in ("ravi", "raju"):
        given.user(world, name)
    tables = world.aws.chats, world.aws.users
    chat = (
        DirectChats(*tables)
        .begin("ravi", "raju", lambda: Begin(request=request_of == "raju"))[0]
        .chat
    )
    now = world.clock()
    if muted_for:
        Chats(*tables).mute("raju", chat, int(now) + muted_for)
    found = is_quiet(world.aws.users, "raju", chat, request_of=request_of, rang_at=rang_at, now=now)
    assert found is quiet


def test_a_chat_is_muted_until_then_and_no_longer(world: Backend) -> None:
    for name in ("ravi", "raju"):
        given.user(world, name)
    chat = given.direct_chat(world, "ravi", "raju")
    Chats(world.aws.chats, world.aws.users).mute("raju", chat, 1_900_000_000)
    quiet = [
        is_quiet(world.aws.users, "raju", chat, request_of=None, rang_at=0, now=now)
        for now in (1_899_999_999.9, 1_900_000_000)
    ]
    assert quiet == [True, False]
