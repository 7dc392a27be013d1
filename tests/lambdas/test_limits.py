"""Limits that hold across functions."""

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas import frames, limits
from lambdas.api.files import MIB, UNIT
from lambdas.errors import ChatError
from lambdas.limits import CLAIMS_BY_ONE, SAMPLE, Limit, Limits, Sampled, after_taking
from lambdas.tables import ConditionFailed, Table, user_key
from stacks.config.settings import Files
from tests.support.lambdas.backend import Backend, recorded_calls

LIMIT = Limit(3, 10, "too many")


def test_a_bucket_is_what_a_count_of_tokens_would_be() -> None:
    """Against a model that counts tokens at each moment."""
    tokens, full_at, last = 3.0, 0.0, 0.0
    for now in [0, 0, 0, 0, 0.06, 5, 10, 11, 40, 40, 40, 40, 55, 500, 500]:
        tokens, last = min(3.0, tokens + (now - last) / 10), now
        taken = after_taking(full_at, now, LIMIT, 1)
        assert (taken.retry_after is None) is (tokens >= 1 - 1e-9)
        if taken.retry_after is None:
            tokens, full_at = tokens - 1, taken.full_at
        else:
            assert taken.retry_after == pytest.approx((1 - tokens) * 10, abs=0.1)
            assert after_taking(full_at, now + taken.retry_after, LIMIT, 1).retry_after is None


def allowed(times: list[int]) -> list[int]:
    """Those of one claimer's claims at these times that the limit allows."""
    found: list[int] = []
    full_at = 0.0
    for now in times:
        taken = after_taking(full_at, now, CLAIMS_BY_ONE, 1)
        if taken.retry_after is None:
            found.append(now)
            full_at = taken.full_at
    return found


def test_six_claims_at_once_and_one_more_each_ten_minutes() -> None:
    assert allowed([0] * 10) == [0] * 6
    assert allowed([0] * 6 + [599, 600, 600, 1199, 1200, 1201]) == [0] * 6 + [600, 1200]
    assert allowed([0] * 6 + [100_000] * 10) == [0] * 6 + [100_000] * 6


@given(st.lists(st.integers(0, 12_000), max_size=40).map(sorted))
def test_the_limit_is_a_bucket_of_six_that_gains_one_every_ten_minutes(times: list[int]) -> None:
    tokens, since = Fraction(6), 0
    expected = []
    for now in times:
        tokens, since = min(tokens + Fraction(now - since, 600), Fraction(6)), now
        if tokens >= 1:
            tokens -= 1
            expected.append(now)
    assert allowed(times) == expected


def test_a_limit_names_the_wait_and_holds_across_functions(world: Backend) -> None:
    for _ in range(3):
        Limits(world.aws.users, world.clock).take("ravi", "x", LIMIT)
    Limits(world.aws.users, world.clock).take("raju", "x", LIMIT)
    with pytest.raises(ChatError) as error:
        Limits(world.aws.users, world.clock).take("ravi", "x", LIMIT)
    assert frames.error_frame(error.value) == {
        "type": "error",
        "code": "rate_limited",
        "message": "too many; try again later",
        "retry_after": 10.0,
    }
    world.clock.pass_seconds(10)
    Limits(world.aws.users, world.clock).take("ravi", "x", LIMIT)


def test_who_takes_while_others_do_is_rejected_only_by_an_empty_bucket(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each write of one function, another one has taken a token."""
    limit = Limit(40, 10, "too many")
    update = Table.update
    others = 0

    def overtaken(self: Table, *arguments: Any, **values: Any) -> Any:
        nonlocal others
        with monkeypatch.context() as undisturbed:
            undisturbed.setattr(Table, "update", update)
            others += Limits(world.aws.users, world.clock).wait("ravi", "x", limit) is None
        return update(self, *arguments, **values)

    monkeypatch.setattr(Table, "update", overtaken)
    bucket = Limits(world.aws.users, world.clock)
    taken = 0
    while bucket.wait("ravi", "x", limit) is None:
        taken += 1
    assert taken + others == 40
    assert taken >= 13  # two writes at most, and so two others, for each


def test_what_comes_often_is_limited_across_environments_at_one_write_for_many(
    world: Backend,
) -> None:
    limit = Limit(2 * SAMPLE, 1, "too many messages")
    environments = [Sampled(), Sampled()]
    phone, desk = "sends#phone", "sends#desk"

    def sends(count: int, name: str = phone) -> int:
        """How many of them are let through, in whichever environment."""
        passed = 0
        for number in range(count):
            taker = environments[number % 2]
            try:
                taker.take(world.aws.users, "ravi", name, limit, world.clock())
            except ChatError as error:
                assert error.code == "rate_limited" and error.retry_after
                continue
            passed += 1
        return passed

    with recorded_calls(world) as calls:
        assert sends(2 * SAMPLE) == 2 * SAMPLE
    assert calls == ["UpdateItem"] * 3  # the second environment found the first one's tokens gone
    assert sends(10 * SAMPLE) < 2 * SAMPLE  # what both have not counted yet
    assert sends(10, desk) == 10
    world.clock.pass_seconds(2 * SAMPLE)
    assert sends(SAMPLE) == SAMPLE


def test_what_comes_while_a_count_is_written_is_taken_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container serves several requests at once, and each write lasts for several."""
    counted, limit, taken, asked = Sampled(), Limit(10_000, 1, "too many"), [0], [0]

    def ask() -> None:
        asked[0] += 1
        counted.take(cast(Table, None), "ravi", "requests", limit, 0.0)

    def wait(_self: Limits, _owner: str, _name: str, _limit: Limit, tokens: int) -> None:
        for _ in range(5):
            ask()
        taken[0] += tokens

    monkeypatch.setattr(Limits, "wait", wait)
    for _ in range(1_000):
        ask()
    assert asked[0] - limits.SAMPLE < taken[0] <= asked[0]


def test_many_at_once_are_all_counted_together_with_those_before(world: Backend) -> None:
    taker, limit = Sampled(), Limit(200, 1, "too many")
    for tokens in (SAMPLE - 1, 100):
        taker.take(world.aws.users, "ravi", "watches", limit, world.clock(), tokens)
    found = world.aws.users.get(user_key("ravi", "limit#watches"), consistent=True)
    assert found and found["full_at"] == (int(world.clock()) + SAMPLE + 99) * 1000
    with pytest.raises(ChatError):
        taker.take(world.aws.users, "ravi", "watches", limit, world.clock(), 100)
    world.clock.pass_seconds(SAMPLE + 99)
    with recorded_calls(world) as calls:
        taker.take(world.aws.users, "ravi", "watches", limit, world.clock(), SAMPLE - 1)
    assert calls == []  # what was rejected is not counted


def test_owners_beyond_those_that_are_counted_make_counting_begin_anew(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OWNERS", 3)
    taker, now = Sampled(), world.clock()

    def take(number: int) -> None:
        taker.take(world.aws.users, f"user{number}", "sends", limits.SENDS, now)

    taker._limited["user0", "sends"] = now + 100
    with pytest.raises(ChatError):
        take(0)
    for number in range(1, 100):  # none of whom is seen often enough to be written
        take(number)
        assert len(taker._seen) <= 4
    take(0)


DOCUMENTED = {
    "`send`": [limits.SENDS],
    "`typing`": [limits.TYPING],
    "chats begun": [limits.CHATS],
    "members added or invited": [limits.MEMBERS],
    "`sync`": [limits.SYNCS],
    "users in `watch`": [limits.WATCHES],
    "requests with an access token": [limits.REQUESTS],
    "tickets": [limits.TICKETS],
    "renewals of a token": [limits.TOKENS],
    "users looked up: `GET /api/users/{user}/devices`, `PUT /api/contacts/{user}`": [
        limits.LOOKUPS
    ],
    "devices registered that are new, or have other keys": [limits.REGISTRATIONS],
    "one-time keys claimed": [limits.CLAIMS],
    "devices that offer to be linked": [limits.LINKS],
    "codes of new devices opened or confirmed": [limits.LINKS_OPENED],
    "sign-ups": [limits.SIGN_UPS],
    "sign-ins": [limits.SIGN_INS],
    "mails with a code": [limits.MAILS, limits.MAILS_BY_ADDRESS],
    "codes tried": [limits.CODES],
    "URLs of files": [limits.DOWNLOADS],
}
FILES = "files sent; bytes of them"


def _documented() -> dict[str, tuple[str, str]]:
    """what -> at once, then one more every; of the protocol's table "Limits of use"."""
    introduction = Path(__file__).parents[2] / "protocol" / "introduction.md"
    text = introduction.read_text(encoding="utf-8")
    section = text.partition("## Limits of use")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return {what: (at_once, seconds) for what, at_once, seconds, _ in rows[2:]}


def test_the_limits_are_those_of_the_protocol() -> None:
    table = _documented()
    assert table.pop(FILES) == _files()
    found = {
        what: (
            "; ".join(f"{each.at_once:,}" for each in row),
            "; ".join(f"{each.seconds:,g} s" for each in row),
        )
        for what, row in DOCUMENTED.items()
    }
    assert found == table
    named = {each for row in DOCUMENTED.values() for each in row}
    assert {each for each in vars(limits).values() if isinstance(each, Limit)} - named == {
        CLAIMS_BY_ONE,  # over it the fallback key is given, and no error
        limits.INVITATIONS,  # over it nobody is asked, and no error
    }


def _files() -> tuple[str, str]:
    number = limits.file_number(Files().per_day)
    units = limits.file_bytes(Files().mib_per_day * MIB // UNIT)
    at_once = f"{number.at_once:,}; {units.at_once * UNIT // MIB} MiB"
    return at_once, f"{number.seconds:g} s; {UNIT // 1024} KiB every {units.seconds:.1f} s"


def test_many_tokens_at_once_count_as_often_whoever_has_taken_before(world: Backend) -> None:
    takes = Limits(world.aws.users, world.clock)
    waits = [takes.wait("ravi", "members", Limit(10, 60, "no"), 4) for _ in range(3)]
    assert waits == [None, None, pytest.approx(2 * 60)]
    assert takes.wait("ravi", "members", Limit(10, 60, "no"), 2) is None
    world.clock.pass_seconds(119)
    assert takes.wait("ravi", "members", Limit(10, 60, "no"), 2) == pytest.approx(1)
    world.clock.pass_seconds(1)
    assert takes.wait("ravi", "members", Limit(10, 60, "no"), 2) is None


def test_who_never_gets_a_token_for_all_the_others_waits_a_second(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*_: Any, **__: Any) -> None:
        raise ConditionFailed(None)

    monkeypatch.setattr(Table, "update", overtaken)
    assert Limits(world.aws.users, world.clock).wait("ravi", "x", LIMIT) == 1.0


def test_a_bucket_is_full_at_the_very_millisecond_that_it_says(world: Backend) -> None:
    bucket = Limits(world.aws.users, world.clock)
    item = user_key("ravi", "limit#x")
    for _ in range(2):
        assert bucket.wait("ravi", "x", LIMIT, tokens=2) is None
        found = world.aws.users.get(item, consistent=True)
        full_at = int(world.clock()) + 20
        assert found == {**item, "full_at": full_at * 1000, "expires_at": full_at}
        assert bucket.wait("ravi", "x", LIMIT, tokens=2) == 10
        world.clock.time = full_at
    assert bucket.wait("ravi", "x", LIMIT, tokens=2) is None
    assert bucket.wait("ravi", "x", LIMIT) is None  # takes the last one
    found = world.aws.users.get(item, consistent=True)
    assert found and found["full_at"] == (full_at + 30) * 1000
    assert found["expires_at"] == full_at + 30 and bucket.wait("ravi", "x", LIMIT) == 10
    world.clock.pass_seconds(9.9)
    assert bucket.wait("ravi", "x", LIMIT) == 0.1
    world.clock.pass_seconds(0.1)
    assert bucket.wait("ravi", "x", LIMIT) is None


def test_the_last_token_is_given_out_once(world: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another function takes it after this one has found it, and before this one writes."""
    bucket = Limits(world.aws.users, world.clock)
    assert bucket.wait("ravi", "x", LIMIT, tokens=2) is None
    update, calls = Table.update, 0

    def overtaken(self: Table, *arguments: Any, **values: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            with monkeypatch.context() as undisturbed:
                undisturbed.setattr(Table, "update", update)
                assert bucket.wait("ravi", "x", LIMIT) is None
        return update(self, *arguments, **values)

    monkeypatch.setattr(Table, "update", overtaken)
    assert bucket.wait("ravi", "x", LIMIT) == 10


def test_many_buckets_together_are_as_each_alone_with_few_requests(world: Backend) -> None:
    bucket = Limits(world.aws.users, world.clock)
    names = [f"x{number}" for number in range(250)]
    for pause in (0, 0, 4, 0, 0, 7, 100):
        world.clock.pass_seconds(pause)
        some = names[pause:]
        expected = [name for name in some if bucket.wait("alone", name, LIMIT) is None]
        with recorded_calls(world) as calls:
            assert bucket.take_each("together", some, LIMIT) == expected
        assert len(calls) <= 2 * 3  # a read and a transaction for each hundred


def test_of_two_who_take_from_many_buckets_at_once_each_takes_its_own(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, names = Limits(world.aws.users, world.clock), ["x", "y"]
    read, taken = Table.batch_get, list[str]()

    def overtaken(self: Table, *arguments: Any, **values: Any) -> Any:
        found = read(self, *arguments, **values)
        with monkeypatch.context() as undisturbed:
            undisturbed.setattr(Table, "batch_get", read)
            if len(taken) < 2:
                taken.extend(bucket.take_each("ravi", names[:1], LIMIT))
        return found

    monkeypatch.setattr(Table, "batch_get", overtaken)
    first = bucket.take_each("ravi", names, LIMIT)
    assert "y" in first  # though it was overtaken
    taken += first
    for _ in range(LIMIT.at_once + 1):
        taken += bucket.take_each("ravi", names, LIMIT)
    assert sorted(taken) == ["x"] * LIMIT.at_once + ["y"] * LIMIT.at_once
