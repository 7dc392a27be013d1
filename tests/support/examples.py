"""The number of examples that a test draws: its own, and fewer in `make test-quick`."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

STEADY = 100  # what a test without a number of its own draws in all other runs


def examples(count: int) -> settings:
    """`count` of them; in a profile with fewer than STEADY, that share of `count`.

    Read when the module is imported, which is after pytest has loaded the profile.
    """
    return settings(max_examples=max(1, count * settings().max_examples // STEADY))


def texts(min_size: int = 0, max_size: int | None = None) -> st.SearchStrategy[str]:
    """As `st.text`: all characters but surrogates. `st.text` itself takes 2.5 s in a fresh clone, as
    Hypothesis then asks the codec of UTF-8 about each character of Unicode."""
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=min_size, max_size=max_size)
