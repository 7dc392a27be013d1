"""A group of 1,024: one more is refused, and an act in it stays within its function's means."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from bench import payloads
from lambdas import limits
from lambdas.api import announce
from lambdas.connections import Outcome, Post
from lambdas.delivery.watermarks import receipt_interval
from lambdas.errors import ChatError
from lambdas.frames import encode
from lambdas.messages.chats import PAGE_NAMES, Chats
from lambdas.messages.membership import MEMBERS_LIMIT, Changed, Membership
from lambdas.settings import Aws
from lambdas.tables import DEVICES, HEAD, Item, user_key
from tests.support.lambdas import given, when
from tests.support.lambdas.backend import Backend, backend, unwatched_dynamodb
from tests.support.lambdas.connection_api import ConnectionApi
from tests.support.lambdas.costs import spending
from tools.scale.acts import ACTS
from tools.scale.model import to_group

NAMES = [f"member{number:04}" for number in range(MEMBERS_LIMIT)]
WRITES_OF_A_PARTITION = 1_000  # units a second (DynamoDB's best practices for partition keys)
READS_OF_A_PARTITION = 3_000


def _put_users(
    world: Backend,
    names: list[str],
    *,
    connected: bool = True,
    devices: Sequence[str] = ("phone",),
) -> None:
    at = int(world.clock() * 1000) - 60_000
    lease = {"connection_id": "posted=", "connected_at": at} if connected else {}
    token = {"endpoint_arn": "arn:x", "platform": "fcm"}
    world.aws.users.batch_write(
        puts=[
            {
                **user_key(name, DEVICES),
                "devices": {device: {**lease, **token} for device in devices},
            }
            for name in names
        ]
    )


def _membership(world: Backend) -> Membership:
    return Membership(world.aws.chats, world.aws.users, sleep=lambda _: None)


@pytest.fixture(scope="module")
def world(emulated: tuple[Aws, ConnectionApi]) -> Iterator[Backend]:
    """One for all tests of this file: 1,024 users with a connected phone, and their group."""
    with backend(*emulated) as one, pytest.MonkeyPatch.context() as patch:
        # how long a read of 1,024 items takes here says nothing of DynamoDB
        patch.setattr("lambdas.messages.send.WITHIN_SECONDS", 600)
        _put_users(one, NAMES)
        one.connections.update({(name, "phone"): "posted=" for name in NAMES})
        yield one


class Posts:
    """Takes all posts at once, where the real one has a socket and a thread for each of 32."""

    def __init__(self) -> None:
        self.sent: list[Post] = []

    def post_all(self, posts: Sequence[Post], within: float = 0.0) -> list[Outcome]:
        self.sent += posts
        return [Outcome.DELIVERED] * len(posts)


class Queue:
    def __init__(self) -> None:
        self.batches: list[int] = []

    def send_message_batch(self, *, Entries: list[object], **_: object) -> dict[str, object]:
        self.batches.append(len(Entries))
        return {}


@pytest.fixture
def posts(world: Backend) -> Iterator[Posts]:
    kept, taken = world.aws.connections, Posts()
    vars(world.aws)["connections"] = taken
    yield taken
    vars(world.aws)["connections"] = kept


@pytest.fixture(scope="module")
def chat(world: Backend) -> str:
    return _membership(world).found(NAMES[0], NAMES[1:]).chat


def _head(world: Backend, chat: str) -> Item:
    return world.aws.chats.get({"chat": chat, "item": HEAD}, consistent=True) or {}


def test_a_group_has_1024_members_and_one_more_is_rejected_with_the_reason(
    world: Backend, chat: str
) -> None:
    given.user(world, "zoe", "phone")
    assert MEMBERS_LIMIT == 1_024 == len(_head(world, chat)["members"])
    changes: tuple[Callable[[Membership], object], ...] = (
        lambda of: of.found(NAMES[0], [*NAMES[1:], "zoe"]),
        lambda of: of.found(NAMES[0], NAMES[1:], ["zoe"]),
        lambda of: of.change(NAMES[0], chat, add=["zoe"]),
        lambda of: of.change(NAMES[0], chat, invite=["zoe"]),
    )
    for change in changes:
        with pytest.raises(ChatError, match=r"at most 1,024 members") as error:
            change(_membership(world))
        assert error.value.code == "bad_request"
    assert len(_head(world, chat)["members"]) == 1_024
    assert "invited" not in _head(world, chat)


def test_a_text_reaches_1023_and_costs_what_the_model_says(
    world: Backend, chat: str, posts: Posts
) -> None:
    sealed = payloads.group_text(chat, f"{NAMES[0]}/phone").payload
    with spending((world.aws.dynamodb,), unwatched_dynamodb()) as spent:
        accepted = when.sends(world, NAMES[0], chat, payload=sealed)
    assert accepted["type"] == "accepted"
    made = to_group(1_024)
    assert len(posts.sent) == made.posts == 1_023
    assert spent.counts["RRU"] == made.reads
    # the model has longer names, and heads with the marks of many senders
    assert made.writes - 3 <= spent.counts["WRU"] <= made.writes
    assert made.sent == pytest.approx(sum(len(str(each.frame)) for each in posts.sent), rel=0.1)
    # of the function's 6 s, and of the 2.5 s that it has for all posts
    assert made.duration_ms < 6_000 / 2


def test_a_receipt_costs_the_same_as_in_a_small_group_but_the_reading_of_the_head(
    world: Backend, chat: str, posts: Posts
) -> None:
    when.sends(world, NAMES[0], chat)
    with spending((world.aws.dynamodb,), unwatched_dynamodb()) as spent:
        when.acknowledges(world, NAMES[1], chat, senders=[NAMES[0]], delivered=1)
    assert spent.counts["WRU"] == ACTS["a receipt"].writes == 1
    assert spent.counts["RRU"] <= 5


def test_the_receipts_of_a_message_leave_most_of_the_partition_to_messages() -> None:
    """A device waits for half to the whole interval before the first one (rule 4)."""
    interval = receipt_interval(1_024)
    busiest = 1_023 / (interval / 2)
    assert busiest < 0.25 * WRITES_OF_A_PARTITION
    assert 4 * busiest < 0.5 * READS_OF_A_PARTITION  # units of a head with 1,024 names of ten


def test_a_sync_of_the_group_is_one_message_and_reads_its_members_together(
    world: Backend, chat: str, posts: Posts
) -> None:
    with spending((world.aws.dynamodb,), unwatched_dynamodb()) as spent:
        _, synced = when.syncs(world, NAMES[2], chats={chat: 0})
    assert synced["chats"][chat]["members"].keys() == {*NAMES}
    assert len(encode(synced).encode()) < 128 * 1024
    assert spent.counts["RRU"] < 40  # 512 and more, were each read for itself


def test_typing_is_shown_in_groups_of_256_and_not_in_larger_ones(
    world: Backend, chat: str, posts: Posts
) -> None:
    small = _membership(world).found(NAMES[0], NAMES[1:256]).chat
    for name, number in ((small, 255), (chat, 0)):
        posts.sent.clear()
        when.raw(world, NAMES[0], "phone", {"action": "typing", "chat": name})
        assert len(posts.sent) == number


@pytest.mark.slow
def test_who_joins_a_large_group_is_announced_with_as_many_posts_as_one_function_has_time_for(
    world: Backend, chat: str, posts: Posts
) -> None:
    phone, two, three = ("phone",), ("phone", "desk"), ("phone", "desk", "web")
    cases = (
        (phone, 10, 10), (phone, 256, 10), (phone, 1_024, 2),
        (two, 10, 10), (two, 256, 5), (two, 1_024, 1),
        (three, 256, 3), (three, 853, 1),
    )  # fmt: skip
    put: tuple[str, ...] = phone
    for devices, members, frames in cases:
        if devices != put:
            _put_users(world, NAMES, devices=devices)
            put = devices
        posts.sent.clear()
        change = Changed(frozenset(NAMES[:members]), NAMES[:20], [])
        announce.members_changed(world.aws, chat, [change])
        bodies = Counter(each.frame for each in posts.sent)
        assert {*bodies.values()} == {max(members, 20) * len(devices)} and len(bodies) == frames
        assert len(posts.sent) <= announce.POSTS_LIMIT
    _put_users(world, NAMES)


def test_all_members_are_notified_of_a_new_device_of_one_of_them(
    world: Backend, chat: str, posts: Posts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # other chats of this file have its first hundred names and its 901st
    for name in (NAMES[200], NAMES[500], NAMES[-1]):
        assert announce.peers(Chats(world.aws.chats, world.aws.users), name) == sorted(
            {*NAMES} - {name}
        )
    posts.sent.clear()
    announce.devices_changed(world.aws, NAMES[500], "new")
    assert len(posts.sent) == 1_024
    connections = dict.fromkeys(("phone", "desk"), "own=")
    for name, connection in connections.items():
        lease = {"connection_id": connection, "connected_at": int(world.clock() * 1000) - 60_000}
        world.aws.users.update(
            user_key(NAMES[500], DEVICES),
            "SET devices.#name = :lease",
            names={"#name": name},
            lease=lease,
        )
    monkeypatch.setattr(announce, "POSTS_LIMIT", 10)
    posts.sent.clear()
    announce.devices_changed(world.aws, NAMES[500], "new")
    assert len(posts.sent) == 10
    assert [each.connection_id for each in posts.sent].count("own=") == 2, "the user's own first"
    _put_users(world, [NAMES[500]])


def test_nine_connections_before_a_text_to_the_group_are_let_through_at_once() -> None:
    full_at = now = 1_000_000.0
    for _ in range(9 * (MEMBERS_LIMIT - 1)):
        full_at, wait = limits.after_taking(full_at, now, limits.LOOKUPS, 1)
        assert wait is None


def test_a_page_of_chats_ends_where_too_many_users_would_be_named(
    world: Backend, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PAGE_NAMES >= 2 * MEMBERS_LIMIT
    monkeypatch.setattr("lambdas.messages.chats.PAGE_NAMES", 100)
    reader, membership = NAMES[900], _membership(world)
    given.user(world, "zoe")
    expected = {chat, *(membership.found("zoe", [reader, *NAMES[:30]]).chat for _ in range(5))}
    for rows in (100, 4):  # in a page, if they fit
        pages = _pages(Chats(world.aws.chats, world.aws.users), reader, rows)
        found = [name for page in pages for name in page]
        assert {*found} == expected and len(found) == 6 and all(pages)
        # the large one alone or with smaller ones before it, three of the others
        assert len(pages) >= 3


def test_who_is_invited_counts_in_a_page_of_chats_as_much_as_a_member(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdas.messages.chats.PAGE_NAMES", 20)
    given.user(world, "mina")
    for _ in range(3):  # with 3 names of members and admins, and 9 of who is invited
        _membership(world).found("mina", NAMES[:1], NAMES[1:10])
    pages = _pages(Chats(world.aws.chats, world.aws.users), "mina", 100)
    assert [len(page) for page in pages] == [1, 1, 1]


def _pages(chats: Chats, user: str, limit: int) -> list[list[str]]:
    pages, cursor = [], None
    for _ in range(10):
        page, cursor = chats.list(user, cursor, limit)
        pages.append([each["chat"] for each in page])
        if cursor is None:
            break
    return pages


def test_everybody_of_1023_who_is_away_gets_a_push_job(world: Backend, chat: str) -> None:
    _put_users(world, NAMES[1:], connected=False)
    vars(world.aws)["sqs"], kept = Queue(), world.aws.sqs
    try:
        assert when.sends(world, NAMES[0], chat)["type"] == "accepted"
        assert vars(world.aws)["sqs"].batches == [10] * 102 + [3]
    finally:
        vars(world.aws)["sqs"] = kept
        _put_users(world, NAMES)
