"""One plausible mistake in the backend, and what the model says when it catches it."""

from typing import Any, NamedTuple


class Mutant(NamedTuple):
    name: str
    owner: Any
    attribute: str
    instead: Any
    caught_as: str  # what the violation says
    first: int = 0  # a schedule that shows it, which is tried before all others
