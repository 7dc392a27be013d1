"""Filter criteria of event source mappings.

Source: Lambda developer guide, "Control which events Lambda sends to your function": up to five
filters, one that matches is enough. Lambda takes EventBridge's patterns; which of the newer
operators it does not know is not published, and all of them are known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulator import strict_json
from emulator.events.patterns import InvalidPattern, Pattern, compiled
from emulator.providers import EmulatorError

MOST_FILTERS = 5
PATTERN_CHARACTERS = 4096
# As LocalStack has recorded CreateEventSourceMapping.
_INVALID = "Invalid filter pattern definition."

Wanted = Callable[[Mapping[str, Any]], bool]


def compile_filters(criteria: Mapping[str, Any] | None, source: str = "") -> Wanted:
    """A test for records: true where one of the criteria's filters matches, or there is none.
    `source` is the ARN of what they come from.

    Raises EmulatorError for a pattern that Lambda would reject.
    """
    filters = (criteria or {}).get("Filters") or []
    if len(filters) > MOST_FILTERS:
        raise EmulatorError(f"{len(filters)} filters: an event source has {MOST_FILTERS} at most")
    patterns = [_parsed(each.get("Pattern", "")) for each in filters]
    if not patterns:
        return lambda record: True
    if ":sqs:" in source:
        return _of_messages(patterns)
    if ":dynamodb:" in source and any("dynamodb" in each.names() for each in patterns):
        raise EmulatorError(f"{_INVALID} That of the data, dynamodb, must be an object")
    return lambda record: any(pattern.matches(record) for pattern in patterns)


def _of_messages(patterns: Sequence[Pattern]) -> Wanted:
    """Lambda drops a message whose body is JSON where the filter for it is one for a text, and one
    whose body is none where it is one for JSON: "Using event filtering with an Amazon SQS event
    source"."""
    plain = [each.only(lambda name: not name.startswith("body.")) for each in patterns]
    parsed = [each.only(lambda name: name != "body") for each in patterns]

    def wanted(record: Mapping[str, Any]) -> bool:
        try:
            body = strict_json.loads(record["body"])
        except ValueError:
            return any(pattern.matches(record) for pattern in plain)
        return any(pattern.matches({**record, "body": body}) for pattern in parsed)

    return wanted


def _parsed(text: Any) -> Pattern:
    if not isinstance(text, str):
        raise EmulatorError(f"a filter pattern is a JSON object as a text, got {text!r:.200}")
    if len(text) > PATTERN_CHARACTERS:
        raise EmulatorError(f"a filter pattern of {len(text)} characters: {PATTERN_CHARACTERS} fit")
    try:
        return compiled(text)
    except InvalidPattern as invalid:
        raise EmulatorError(f"{_INVALID} {text}: {invalid}") from invalid
    except (ValueError, RecursionError) as error:
        raise EmulatorError(f"{_INVALID} It is a JSON object, got {text!r:.200}") from error
