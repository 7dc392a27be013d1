"""Filter criteria of event source mappings.

Source: Lambda developer guide, "Control which events Lambda sends to your function": up to five
filters, one that matches is enough. Lambda takes EventBridge's patterns; which of the newer
operators it does not know is not published, and all of them are known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator import strict_json
from emulator.events.patterns import InvalidPattern, compiled
from emulator.providers import EmulatorError

MOST_FILTERS = 5
PATTERN_CHARACTERS = 4096


def compile_filters(criteria: Mapping[str, Any] | None) -> Callable[[Mapping[str, Any]], bool]:
    """A test for records: true where one of the criteria's filters matches, or there is none.

    Raises EmulatorError for a pattern that Lambda would reject.
    """
    filters = (criteria or {}).get("Filters") or []
    if len(filters) > MOST_FILTERS:
        raise EmulatorError(f"{len(filters)} filters: an event source has {MOST_FILTERS} at most")
    patterns = [_parsed(each.get("Pattern", "")) for each in filters]
    if not patterns:
        return lambda record: True
    return lambda record: any(matches(record) for matches in patterns)


def _parsed(text: Any) -> Callable[[Mapping[str, Any]], bool]:
    if not isinstance(text, str):
        raise EmulatorError(f"a filter pattern is a JSON object as a text, got {text!r:.200}")
    if len(text) > PATTERN_CHARACTERS:
        raise EmulatorError(f"a filter pattern of {len(text)} characters: {PATTERN_CHARACTERS} fit")
    try:
        return compiled(strict_json.loads(text))
    except InvalidPattern as invalid:
        raise EmulatorError(f"the filter pattern {text}: {invalid}") from invalid
    except (ValueError, RecursionError) as error:
        raise EmulatorError(f"a filter pattern is a JSON object, got {text!r:.200}") from error
