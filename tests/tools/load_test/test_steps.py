"""The figures of a load test, from texts whose times are known."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.rows import rows
from tools.load_test.report import chart, page, verdict
from tools.load_test.steps import (
    Step,
    Text,
    as_json,
    due_times,
    from_json,
    knee,
    measured,
    quantile,
    ramp,
)

GOOD = Step(0, 10, 10, 10, 10, 20, 30, 40, 0)


def _texts(rate: float, takes: float, starts: float = 0.0) -> list[Text]:
    """Ten seconds of texts that are accepted at once, and arrive after `takes` seconds."""
    times = (starts + number / rate for number in range(int(10 * rate)))
    return [Text(at, at, at + takes) for at in times]


def test_a_ramp_grows_by_the_same_factor_to_its_last_rate() -> None:
    rates = ramp(5, 80, 5)
    assert rates == pytest.approx([5, 10, 20, 40, 80])
    for wrong in ((5, 80, 1), (0, 80, 5), (80, 5, 5)):
        with pytest.raises(ValueError, match="ramp"):
            ramp(*wrong)


def test_texts_are_due_at_equal_distances_within_each_step() -> None:
    assert due_times([2, 4], 1) == [0, 0.5, 1, 1.25, 1.5, 1.75]


def test_a_step_has_the_rates_and_percentiles_of_its_own_texts() -> None:
    first, second = measured([*_texts(10, 0.05), *_texts(20, 3.0, starts=10.0)], [10.0, 20.0], 10.0)
    assert (first.offered, first.accepted, first.received, first.lost) == (10, 10, 10, 0)
    assert (first.p50, first.p99) == pytest.approx((50, 50))
    assert (second.starts, second.accepted, second.p50) == pytest.approx((10, 20, 3000))
    assert second.received == pytest.approx(16.1)  # the last come too late for the step
    assert first.held and not second.held


@pytest.mark.parametrize(
    ("text", "lost", "accepted"),
    [
        (Text(0.0, 0.1, 0.2), 0, 1),
        (Text(0.0, 0.1, None), 1, 1),
        (Text(0.0, None, None), 0, 0),  # refused, and its sender knows
        (Text(0.0, None, 0.2), 0, 0),  # its response was lost
        (Text(0.0, 11.5, 12.0), 0, 0),  # accepted after the step
    ],
)
def test_lost_is_what_was_accepted_and_never_received(text: Text, lost: int, accepted: int) -> None:
    (step,) = measured([text], [0.1], 10.0)
    assert (step.lost, step.accepted) == (lost, accepted / 10)


@rows(
    ("change", "held"),
    [
        ({}, True),
        ({"accepted": 9.5}, True),
        ({"accepted": 9.4}, False),
        ({"p99": 1000.0}, True),
        ({"p99": 1001.0}, False),
        ({"received": 9.9}, True),
        ({"received": 9.8, "lost": 2}, False),
        ({"accepted": 9.5, "received": 9.5}, True),
    ],
    ids=str,
)
def test_a_step_is_held_if_most_is_accepted_and_arrives_in_time(
    change: dict[str, Any], held: bool
) -> None:
    assert replace(GOOD, **change).held is held


def test_texts_that_never_arrive_lower_the_knee() -> None:
    lost = [Text(at, at, None) for at in (10 + number / 20 for number in range(0, 200, 2))]
    steps = measured([*_texts(10, 0.05), *_texts(10, 0.05, 10.0), *lost], [10.0, 20.0], 10.0)
    assert knee(steps) == steps[0]


def test_the_knee_is_the_last_step_that_was_held_before_the_first_that_was_not() -> None:
    bad, more = replace(GOOD, p99=5000), replace(GOOD, offered=20, accepted=20, received=20)
    assert knee([GOOD, more, bad, more]) == more
    assert knee([bad, GOOD]) is None
    assert knee([]) is None


def test_a_run_is_the_same_after_it_was_kept() -> None:
    assert from_json(as_json([GOOD])) == [GOOD]
    with pytest.raises(TypeError):
        from_json([{"unknown": 1}])


def test_the_verdict_names_the_knee_the_losses_and_the_run_before() -> None:
    bad = replace(GOOD, offered=20, p99=5000, lost=3)
    assert verdict([GOOD, bad]) == (
        "It holds 10 texts a second, with a p99 of 40 ms; 3 accepted texts were lost."
    )
    assert "does not hold 20" in verdict([bad]) and "10 texts a second" in verdict([GOOD])
    assert "and more" in verdict([GOOD]) and "run before held 10" in verdict([bad], [GOOD])


def test_the_page_needs_nothing_else_and_shows_each_step() -> None:
    bad = replace(GOOD, starts=10, offered=20, p99=5000, lost=3)
    text = page("Load on <here>", [GOOD, bad], [GOOD])
    assert "Load on &lt;here&gt;" in text and "<here>" not in text
    assert text.count("<svg") == 2 and text.count('<tr class="over">') == 1
    assert text.count("stroke-dasharray") == 6  # the run before, beside each of six lines
    assert not any(word in text for word in ("src=", "href=", "@import", "url("))


def test_a_chart_stays_within_its_picture_also_where_all_is_zero() -> None:
    empty = measured([], [10.0], 10.0)
    svg = chart(empty, [("p50", "#000", lambda step: step.p50)], [replace(GOOD, p50=9e9)])
    heights = [
        float(point.split(",")[1])
        for point in svg.split('points="')[1:]
        for point in [point.split('"')[0].split(" ")[0]]
    ]
    assert all(0 <= each <= 240 for each in heights) and heights


def test_the_quantile_is_the_nearest_rank() -> None:
    assert (quantile([], 0.5), quantile([7.0], 0.99)) == (0.0, 7.0)
    assert quantile([float(n) for n in range(100)], 0.95) == 95.0
