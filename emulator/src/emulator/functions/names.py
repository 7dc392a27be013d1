"""The names of functions in calls of Lambda's API, and the errors of those that no function has."""

from __future__ import annotations

import re
from typing import NamedTuple

from emulator.template.place import Place

# As the service's own message has it.
_NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?"
    r"(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_NAME = re.compile(_NAME_PATTERN)
_LONGEST_NAME = 256  # characters of a name, a partial or a whole ARN
_QUALIFIERS = re.compile(r"\$LATEST\.PUBLISHED|[a-zA-Z0-9$_-]{1,128}")
_REGION, _ACCOUNT, _QUALIFIER = 3, 9, 13  # groups of the pattern


class LambdaError(NamedTuple):
    """An error of the API. `message` is the name of the error's field: the service spells it in two
    ways."""

    status: int
    code: str
    text: str | None
    message: str = "message"
    reason: str | None = None


def misnamed(reference: str, qualifier: str | None, place: Place) -> LambdaError | None:
    """The errors of names that no function has, as LocalStack has recorded them."""
    found = _NAME.fullmatch(reference)
    if found is None:
        rule = f"satisfy regular expression pattern: {_NAME_PATTERN}"
        return out_of_bounds("functionName", reference, rule)
    if len(reference) > _LONGEST_NAME:
        rule = f"have length less than or equal to {_LONGEST_NAME}"
        return out_of_bounds("functionName", reference, rule)
    if qualifier is not None and not _QUALIFIERS.fullmatch(qualifier):
        rule = f"satisfy regular expression pattern: {_QUALIFIERS.pattern}"
        return out_of_bounds("qualifier", qualifier, rule)
    region, account = found[_REGION], found[_ACCOUNT]
    if region and region.rstrip(":") != place.region:
        text = (
            f"Functions from '{region.rstrip(':')}' are not reachable in this region "
            f"('{place.region}')"
        )
        return LambdaError(404, "ResourceNotFoundException", text, message="Message")
    if account and account.rstrip(":") != place.account:
        return LambdaError(403, "AccessDeniedException", None, message="Message")
    if qualifier and found[_QUALIFIER] not in (None, qualifier):
        text = (
            "The derived qualifier from the function name does not match the specified qualifier."
        )
        return LambdaError(400, "InvalidParameterValueException", text)
    return None


def out_of_bounds(member: str, value: str, rule: str) -> LambdaError:
    text = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy"
    return LambdaError(400, "ValidationException", f"{text} constraint: Member must {rule}")
