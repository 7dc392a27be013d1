"""One plausible mistake in the backend, and what the model says when it catches it."""

import inspect
import textwrap
from types import FunctionType
from typing import Any, NamedTuple


class Mutant(NamedTuple):
    name: str
    owner: Any
    attribute: str
    instead: Any
    caught_as: str  # what the violation says
    more_of: tuple[str, ...] = ()  # actions of schedule.py by which it shows sooner, or HARSH


def edited(
    name: str,
    where: tuple[Any, str],
    change: tuple[str, str],
    caught_as: str,
    more_of: tuple[str, ...] = (),
) -> Mutant:
    """A mutant with a change in the text of a function: old and new."""
    owner, attribute = where
    function = getattr(owner, attribute)
    text, (old, new) = textwrap.dedent(inspect.getsource(function)), change
    assert text.count(old) == 1, f"{attribute} has {old!r} {text.count(old)} times"
    made: dict[str, Any] = {}
    exec(compile(text.replace(old, new), f"<{name}>", "exec"), function.__globals__, made)
    instead = made[attribute]
    assert isinstance(instead, FunctionType)
    return Mutant(name, owner, attribute, instead, caught_as, more_of)
