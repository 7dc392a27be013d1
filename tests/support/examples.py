"""How many examples a test draws: a number of its own, and fewer of each in `make test-quick`."""

from __future__ import annotations

from hypothesis import settings

STEADY = 100  # what a test without a number of its own draws in all other runs


def examples(count: int) -> settings:
    """`count` of them; in a profile with fewer than STEADY, that share of `count`.

    Read when the module is imported, which is after pytest has loaded the profile.
    """
    return settings(max_examples=max(1, count * settings().max_examples // STEADY))
