"""Patterns of policies: wildcards, ARNs, and the variables that stand in them. No I/O.

Source: the IAM user guide, docs.aws.amazon.com/IAM/latest/UserGuide/, pages
reference_policies_elements_resource.html (wildcards), reference_policies_variables.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

Context = Mapping[str, Sequence[str]]
"""The condition keys of a request, in lower case, each with its values."""

VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s]+)\s*,\s*'(.*)'\s*", re.DOTALL)
_ESCAPED = {"*": "*", "?": "?", "$": "$"}  # ${*} is the character itself
_COMPONENTS = 6  # of an ARN; a colon in the last one is part of the resource


def matches(pattern: str, text: str) -> bool:
    """`*` is any characters, `?` any one; what stands between \\0 signs is meant literally."""
    return compiled(pattern)(text)


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Callable[[str], bool]:
    if not re.search(r"[*?\0]", pattern):
        return pattern.__eq__
    expression = re.compile(_expression(pattern, ".*"), re.DOTALL)
    return lambda text: expression.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def of_resource(pattern: str) -> Callable[[str], bool]:
    """The pattern of a Resource element: a wildcard stays in its component of the ARN, and one that
    ends its component "can expand to match beyond the colon boundaries"."""
    components = pattern.split(":", _COMPONENTS - 1)
    last = len(components) - 1
    parts = []
    for index, component in enumerate(components):
        inside = ".*" if index == _COMPONENTS - 1 else "[^:]*"
        if component.endswith("*") or index == last:
            parts.append(
                _expression(component.rstrip("*"), inside) + ".*" * component.endswith("*")
            )
        else:
            parts.append(_expression(component, inside))
    expression = re.compile(":".join(parts), re.DOTALL)
    return lambda text: expression.fullmatch(text) is not None


def arn_matches(pattern: str, arn: str) -> bool:
    """ArnLike and ArnEquals: "Each of the six colon-delimited components of the ARN is checked
    separately"."""
    patterns = pattern.split(":", _COMPONENTS - 1)
    components = arn.split(":", _COMPONENTS - 1)
    return len(patterns) == len(components) and all(map(matches, patterns, components))


def _expression(pattern: str, any_characters: str) -> str:
    """Every second part, between \\0 signs, is the value of a variable."""
    return "".join(
        re.escape(part)
        if literal % 2
        else "".join({"*": any_characters, "?": "."}.get(each) or re.escape(each) for each in part)
        for literal, part in enumerate(pattern.split("\0"))
    )


def variables(text: str) -> Iterator[str]:
    """The condition keys that `text` names, in lower case."""
    for found in VARIABLE.finditer(text):
        if found[1].strip() not in _ESCAPED:
            default = _DEFAULT.fullmatch(found[1])
            yield (default[1] if default else found[1].strip()).lower()


def substituted(text: str, context: Context) -> str | None:
    """`text` with the values of its variables, each between \\0 signs, in which a wildcard means
    nothing. None where a variable has no value: then the text matches nothing."""
    if "${" not in text:
        return text
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name = found[1].strip()
        if name in _ESCAPED:
            return f"\0{_ESCAPED[name]}\0"
        default = _DEFAULT.fullmatch(found[1])
        values = context.get((default[1] if default else name).lower(), ())
        if len(values) == 1:
            return _literal(values[0])
        if default:
            return _literal(default[2])
        missing = True
        return ""

    replaced = VARIABLE.sub(value, text)
    return None if missing else replaced


def _literal(value: str) -> str:
    """A colon stays outside: it separates the components of an ARN also where a value has it."""
    return "\0" + value.replace(":", "\0:\0") + "\0"


def plain(text: str) -> str:
    """The text without the signs around values, for comparisons that know no wildcards."""
    return text.replace("\0", "")
