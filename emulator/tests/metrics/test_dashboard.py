"""The places of widgets: given, or left to CloudWatch."""

from __future__ import annotations

from typing import Any

from emulator.metrics.dashboard import drawn
from emulator.metrics.store import Store


def places(*widgets: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    body = {"widgets": [{"type": "text", "properties": {}, **each} for each in widgets]}
    found = drawn(body, Store(lambda: 0.0), (), 0.0)["widgets"]
    return [(each["x"], each["y"], each["width"], each["height"]) for each in found]


def test_a_widget_without_a_place_goes_below_those_before_it() -> None:
    assert places({"x": 6, "y": 2, "width": 12, "height": 3}, {}, {"height": 2}) == [
        (6, 2, 12, 3),
        (0, 5, 6, 6),
        (0, 11, 6, 2),
    ]
