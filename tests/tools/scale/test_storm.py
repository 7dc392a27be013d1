import pytest

from tools.scale.storm import storm


@pytest.mark.parametrize(("clients", "rate"), [(1_000, 100.0), (20_000, 500.0), (200_000, 500.0)])
def test_nobody_is_back_sooner_than_the_rate_allows_and_nearly_all_soon_after(
    clients: int, rate: float
) -> None:
    found = storm(clients, rate)
    least = (clients * 0.99 - rate) / rate  # a second's worth is admitted at once
    assert least * 0.98 <= found.nearly_all <= least * 1.1 + 60  # a client waits up to 60 s
    assert found.half < found.nearly_all and found.attempts >= 1


def test_a_rate_that_takes_all_leaves_only_the_first_jitter() -> None:
    found = storm(1_000, 1_000.0)
    assert found.nearly_all <= 1.0 and found.attempts == 1


def test_a_window_takes_away_attempts_and_the_burst_and_costs_no_time() -> None:
    plain, spread = storm(100_000, 500.0), storm(100_000, 500.0, window=200.0)
    assert spread.attempts < plain.attempts / 2
    assert spread.busiest < plain.busiest / 20
    assert spread.nearly_all < plain.nearly_all * 1.2


def test_the_same_seed_is_the_same_storm() -> None:
    assert storm(5_000, 500.0, seed=3) == storm(5_000, 500.0, seed=3)
