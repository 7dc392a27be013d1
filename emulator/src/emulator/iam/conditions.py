"""The Condition element of a policy. No I/O.

Source: the IAM user guide, docs.aws.amazon.com/IAM/latest/UserGuide/, pages
reference_policies_elements_condition_operators.html,
reference_policies_condition-logic-multiple-context-keys-or-values.html and
reference_policies_condition-single-vs-multi-valued-context-keys.html.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from emulator.iam import patterns
from emulator.iam.patterns import Context

Compare = Callable[[str, str], bool]
"""(the request's value, the policy's value) -> whether they match"""

_LONG = 2**63
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(
    r"(\d{4}-\d\d(?:-\d\d)?)(T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d(?::\d\d)?)?)?"
)
ALL, ANY = "forallvalues", "foranyvalue"


def _number(compare: Callable[[float, float], bool]) -> Compare:
    return lambda given, wanted: _compared(_parsed_number, compare, given, wanted)


def _date(compare: Callable[[float, float], bool]) -> Compare:
    return lambda given, wanted: _compared(epoch_of, compare, given, wanted)


def _compared(
    parse: Callable[[str], float], compare: Callable[[float, float], bool], given: str, wanted: str
) -> bool:
    try:
        return compare(parse(given), parse(patterns.plain(wanted)))
    except ValueError:
        return False


def _parsed_number(text: str) -> float:
    """Raises ValueError; Python takes `1_0`, `nan` and `inf` as well."""
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no number")
    return float(text)


def epoch_of(text: str) -> float:
    """A date of a policy: W3C's profile of ISO 8601 (www.w3.org/TR/NOTE-datetime), of which a month
    may be the end, or seconds since the epoch. Raises ValueError."""
    if re.fullmatch(r"\d+(\.\d+)?", text.strip()) and float(text) < _LONG:
        return float(text)
    if not (found := _DATE.fullmatch(text.strip().upper())):
        raise ValueError(f"{text!r} is no date")
    day = found[1] if found[1].count("-") == 2 else f"{found[1]}-01"
    at = datetime.fromisoformat(f"{day}{found[2] or ''}".replace("Z", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def of_dates(operator: str) -> bool:
    """Whether it compares dates; with a quantifier before it, or IfExists behind."""
    return operator.lower().rpartition(":")[2].startswith("date")


def _in_network(given: str, wanted: str) -> bool:
    try:
        network = ipaddress.ip_network(patterns.plain(wanted), strict=False)
        return ipaddress.ip_address(given) in network
    except ValueError:
        return False


def _same_bytes(given: str, wanted: str) -> bool:
    try:
        return base64.b64decode(given) == base64.b64decode(patterns.plain(wanted))
    except ValueError:
        return False


def _equals(given: str, wanted: str) -> bool:
    return given == patterns.plain(wanted)


def _equals_in_any_case(given: str, wanted: str) -> bool:
    return given.lower() == patterns.plain(wanted).lower()


def _like(given: str, wanted: str) -> bool:
    return patterns.matches(wanted, given)


def _arn_like(given: str, wanted: str) -> bool:
    return patterns.arn_matches(wanted, given)


COMPARISONS: Mapping[str, tuple[Compare, bool]] = {
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_in_any_case, False),
    "stringnotequalsignorecase": (_equals_in_any_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "numericequals": (_number(lambda given, wanted: given == wanted), False),
    "numericnotequals": (_number(lambda given, wanted: given == wanted), True),
    "numericlessthan": (_number(lambda given, wanted: given < wanted), False),
    "numericlessthanequals": (_number(lambda given, wanted: given <= wanted), False),
    "numericgreaterthan": (_number(lambda given, wanted: given > wanted), False),
    "numericgreaterthanequals": (_number(lambda given, wanted: given >= wanted), False),
    "dateequals": (_date(lambda given, wanted: given == wanted), False),
    "datenotequals": (_date(lambda given, wanted: given == wanted), True),
    "datelessthan": (_date(lambda given, wanted: given < wanted), False),
    "datelessthanequals": (_date(lambda given, wanted: given <= wanted), False),
    "dategreaterthan": (_date(lambda given, wanted: given > wanted), False),
    "dategreaterthanequals": (_date(lambda given, wanted: given >= wanted), False),
    "bool": (_equals_in_any_case, False),
    "binaryequals": (_same_bytes, False),
    "ipaddress": (_in_network, False),
    "notipaddress": (_in_network, True),
    "arnequals": (_arn_like, False),  # "ArnEquals and ArnLike behave identically"
    "arnlike": (_arn_like, False),
    "arnnotequals": (_arn_like, True),
    "arnnotlike": (_arn_like, True),
}
"""Operator -> how one value of the request is compared with one of the policy, and whether the
operator asks that they do not match."""


class UnknownOperator(ValueError):
    """The error of a name that is not an operator of IAM."""


@dataclass(frozen=True)
class Condition:
    """One key under one operator. `quantifier` is ALL, ANY or ""; `wanted` the policy's values."""

    operator: str
    key: str
    wanted: tuple[str, ...]
    quantifier: str = ""
    if_exists: bool = False
    with_variables: bool = True

    def met(self, context: Context) -> bool:
        given = context.get(self.key, ())
        if self.operator == "null":
            return any(bool(given) != (each.lower() == "true") for each in self.wanted)
        compare, negated = COMPARISONS[self.operator]
        if self.quantifier:  # an empty text counts as no value
            given = [each for each in given if each]
        if not given:
            # "If the key … is not present in the request context, the values do not match"
            return self.if_exists or self.quantifier == ALL or (negated and self.quantifier != ANY)
        values = [
            patterns.substituted(each, context) if self.with_variables else each
            for each in self.wanted
        ]
        if negated and None in values:
            return False  # a variable without a value: the statement does not apply

        def holds(value: str) -> bool:
            found = any(compare(value, each) for each in values if each is not None)
            return found != negated

        if self.quantifier:
            return (all if self.quantifier == ALL else any)(map(holds, given))
        # A key with several values needs a quantifier; without one, any of them may match, and
        # under a negated operator none may.
        return (all if negated else any)(map(holds, given))

    @property
    def keys(self) -> set[str]:
        """The condition keys of the request that it looks at, in lower case."""
        wanted = self.wanted if self.with_variables else ()
        return {self.key, *(name for each in wanted for name in patterns.variables(each))}


def read(operator: str, key: str, wanted: Sequence[str], with_variables: bool = True) -> Condition:
    """Raises UnknownOperator."""
    name, quantifier = operator.lower(), ""
    before, colon, after = name.partition(":")
    if colon:
        if before not in (ALL, ANY):
            raise UnknownOperator(f"{operator} is no condition operator")
        name, quantifier = after, before
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if name == "null" and not (if_exists or quantifier):
        return Condition(name, key.lower(), tuple(wanted))
    if name not in COMPARISONS:
        raise UnknownOperator(f"{operator} is no condition operator")
    return Condition(name, key.lower(), tuple(wanted), quantifier, if_exists, with_variables)
