"""The choice of cases that run in each test command, of tables that are marked as `sampled`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EACH = 5  # as many as of drawn examples, of which the profile `quick` draws a fifth


def marks(cases: Sequence[Mapping[str, object]]) -> list[str]:
    """The mark of each case; `cases` are the parameters of one test, in its order.

    Each fifth has none: it runs in `make test-quick` too. Of the others a case that is the first
    with a value of one of its parameters is slow, so that in `make test` each value occurs, and the
    rest is deep. Values are compared by their repr, as not all can be hashed.
    """
    found = []
    seen: set[tuple[str, str]] = set()
    for number, case in enumerate(cases):
        values = {(name, repr(value)) for name, value in case.items()}
        found.append("" if number % EACH == 0 else "deep" if values <= seen else "slow")
        seen |= values
    return found
