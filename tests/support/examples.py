"""The number of examples that a test draws: its own, and fewer in `make test-quick`."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

# Of each plane and block some, but no surrogates; all of the first, which have most of what is special.
_POINTS = (*range(0x250), *range(0x250, 0x110000, 61))
CHARACTERS = "".join(chr(each) for each in _POINTS if not 0xD800 <= each < 0xE000)
STEADY = 100  # what a test without a number of its own draws in all other runs


def examples(count: int) -> settings:
    """`count` of them; in a profile with fewer than STEADY, that share of `count`.

    Read when the module is imported, which is after pytest has loaded the profile.
    """
    return settings(max_examples=max(1, count * settings().max_examples // STEADY))


def texts(
    min_size: int = 0, max_size: int | None = None, without: str = ""
) -> st.SearchStrategy[str]:
    """As `st.text`, of `CHARACTERS`. `st.text` itself takes 2.5 s in a fresh clone: Hypothesis then
    asks for the category of each character of Unicode."""
    alphabet = [each for each in CHARACTERS if each not in without]
    return st.text(alphabet, min_size=min_size, max_size=max_size)
