"""When a connection is pinged, given up, made anew and tried again."""

from __future__ import annotations

from random import Random

from client.core.liveness import Backoff, Liveness
from client.core.settings import Settings

SETTINGS = Settings()


def test_it_pings_every_four_to_five_minutes_and_wants_an_answer() -> None:
    for seed in range(50):
        alive = Liveness(SETTINGS, Random(seed))
        alive.opened(0.0)
        due = alive.next_due()
        assert due is not None
        assert 240 <= due <= 300
        assert not alive.ping_due(due - 1)
        assert alive.ping_due(due)
        assert not alive.dead(due + 9)
        assert alive.dead(due + 10)
        alive.heard()
        assert not alive.dead(due + 10)
        again = alive.next_due()
        assert again is not None
        assert 240 <= again - due <= 300


def test_it_reconnects_at_a_random_60_to_110_minutes() -> None:
    times = []
    for seed in range(100):
        alive = Liveness(SETTINGS, Random(seed))
        alive.opened(0.0)
        assert alive.reconnect_at is not None
        times.append(alive.reconnect_at)
        assert not alive.reconnect_due(3599)
        assert alive.reconnect_due(6600)
    assert max(times) - min(times) > 2000


def test_attempts_have_full_jitter_under_a_bound_that_doubles() -> None:
    backoff = Backoff(SETTINGS, Random(1))
    pauses = [backoff.pause() for _ in range(12)]
    for failures, pause in enumerate(pauses):
        assert 0 <= pause <= min(60, 2**failures)
    assert max(pauses) > 20
    backoff.connected()
    assert backoff.pause() <= 1


def test_each_attempt_is_spread_from_at_once_to_its_bound() -> None:
    for failures in range(4):
        found = []
        for seed in range(200):
            backoff = Backoff(SETTINGS, Random(seed))
            found.append([backoff.pause() for _ in range(failures + 1)][-1])
        bound = 2.0**failures
        assert min(found) < bound * 0.1 and bound * 0.9 < max(found) <= bound


def test_the_first_attempt_is_spread_over_the_window_of_the_ticket() -> None:
    first = []
    for seed in range(200):
        backoff = Backoff(SETTINGS, Random(seed))
        backoff.ticket(120.0)
        first.append(backoff.pause())
        assert backoff.pause() <= 2
    assert min(first) < 10
    assert 110 < max(first) <= 120


def test_a_new_connection_has_a_life_of_its_own() -> None:
    alive = Liveness(SETTINGS, Random(1))
    alive.opened(0.0)
    alive.probe(100.0)
    assert alive.ping_due(100.0) and alive.dead(110.0)
    alive.probe(105.0)  # a ping is under way
    assert not alive.ping_due(105.0)
    assert alive.ping_due(400.0) and alive.dead(400.0)  # a second one does not put the end off
    alive.opened(500.0)
    assert not alive.dead(9999.0)
    alive.closed()
    assert alive.next_due() is None and not alive.reconnect_due(1e9) and not alive.ping_due(1e9)
