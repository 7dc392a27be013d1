"""Who shares a system: a rule about all tests of this folder, which has no other place."""

import pytest


def test_whoever_needs_a_running_system_is_in_a_group(request: pytest.FixtureRequest) -> None:
    """Else pytest-xdist gives it to any worker, which starts one more system for it alone."""
    needed = {"endpoints", "second_system"}
    alone = {
        item.nodeid.partition("::")[0]
        for item in request.session.items
        if needed & {*getattr(item, "fixturenames", ())}
        and not item.get_closest_marker("xdist_group")
    }
    assert alone == set()
