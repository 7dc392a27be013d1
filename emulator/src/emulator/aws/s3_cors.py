"""S3's CORS rules: which pages a browser lets use a bucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html: the first rule counts that has the
origin, the method and, of a preflight request, every header that it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any


def allowed(rules: Iterable[Any], headers: Mapping[str, str], method: str) -> dict[str, str] | None:
    """The headers of a response to a page; None where no rule allows the request.

    `rules` are moto's. A preflight request names its method in `Access-Control-Request-Method`.
    """
    origin = headers.get("Origin", "")
    preflight = "Access-Control-Request-Method" in headers
    asked = headers.get("Access-Control-Request-Method", method)
    names = [
        name.strip().lower()
        for name in headers.get("Access-Control-Request-Headers", "").split(",")
        if name.strip()
    ]
    for rule in rules:
        origins = [each for each in rule.allowed_origins if _matches(each, origin)]
        patterns = [each.lower() for each in rule.allowed_headers or ()]
        if (
            origins
            and asked in rule.allowed_methods
            and all(any(_matches(each, name) for each in patterns) for name in names)
        ):
            any_origin = origins[0] == "*"
            found = {
                "Access-Control-Allow-Origin": "*" if any_origin else origin,
                "Access-Control-Allow-Methods": ", ".join(rule.allowed_methods),
                "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
            }
            if not any_origin:
                found["Access-Control-Allow-Credentials"] = "true"
            if rule.exposed_headers:
                found["Access-Control-Expose-Headers"] = ", ".join(rule.exposed_headers)
            if preflight and names:
                found["Access-Control-Allow-Headers"] = ", ".join(names)
            if preflight and rule.max_age_seconds:
                found["Access-Control-Max-Age"] = str(rule.max_age_seconds)
            return found
    return None


def _matches(pattern: str, text: str) -> bool:
    """A pattern has one `*` at most."""
    first, star, rest = pattern.partition("*")
    if not star:
        return pattern == text
    return bool(re.fullmatch(f"{re.escape(first)}.*{re.escape(rest)}", text))
