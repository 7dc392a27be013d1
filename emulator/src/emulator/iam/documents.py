"""Policy documents, read into statements that can be matched. No I/O.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html and the pages of
its elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from emulator.iam import conditions, grammar, patterns
from emulator.iam.conditions import Condition
from emulator.iam.grammar import VERSIONS, as_list
from emulator.iam.patterns import Context
from emulator.providers import EmulatorError


@dataclass(frozen=True)
class Principals:
    """Whom a statement of a resource's policy is about. `everyone` is `*`; `names` holds ARNs,
    account ids and the names of services."""

    everyone: bool = False
    names: frozenset[str] = frozenset()
    excluded: bool = False  # NotPrincipal: all but these

    def include(self, names: Iterable[str]) -> bool:
        found = self.everyone or not self.names.isdisjoint(names)
        return found != self.excluded


@dataclass(frozen=True)
class Statement:
    """`principals` is None in a policy of an identity."""

    allows: bool
    actions: tuple[str, ...]
    all_but_actions: bool
    resources: tuple[str, ...]
    all_but_resources: bool
    conditions: tuple[Condition, ...]
    principals: Principals | None
    with_variables: bool  # only version 2012-10-17 has them

    def applies(self, action: str, resource: str, context: Context) -> bool:
        return (
            self.covers(action)
            and self._is_on(resource, context)
            and all(each.met(context) for each in self.conditions)
        )

    def covers(self, action: str) -> bool:
        """Whether the statement is about the action, whatever the resource; "the prefix and the
        action name are case insensitive"."""
        found = any(each(action.lower()) for each in self._actions)
        return found != self.all_but_actions

    def denies_everywhere(self, action: str) -> bool:
        """Whether it denies the action without a condition, on every resource that the action can
        have."""
        service = action.partition(":")[0]
        on_all = any(_is_every(each, service) for each in self.resources)
        return (
            not self.allows
            and self.covers(action)
            and not self.conditions
            and on_all
            and not self.all_but_resources
        )

    @cached_property
    def _actions(self) -> list[Callable[[str], bool]]:
        return [patterns.compiled(each.lower()) for each in self.actions]

    def _is_on(self, resource: str, context: Context) -> bool:
        if not self.resources:  # a policy that stands on its resource may leave it out
            return True
        found = False
        for each in self.resources:
            pattern = patterns.substituted(each, context) if self.with_variables else each
            if pattern is None:  # "this might cause the entire statement to be invalid"
                if self.all_but_resources:
                    return False
            elif patterns.of_resource(pattern)(resource):
                found = True
        return found != self.all_but_resources

    @property
    def keys(self) -> set[str]:
        """The condition keys that it looks at, in lower case."""
        found = {key for each in self.conditions for key in each.keys}
        if self.with_variables:
            found |= {name for each in self.resources for name in patterns.variables(each)}
        return found


Policy = tuple[Statement, ...]


def read(
    where: str,
    document: Mapping[str, Any],
    *,
    of_resource: bool = False,
    of_authorizer: bool = False,
) -> Policy:
    """Raises EmulatorError, which begins with `where`, for what IAM rejects too."""
    try:
        grammar.check(document, of_resource=of_resource, of_authorizer=of_authorizer)
    except grammar.Malformed as error:
        raise EmulatorError(f"{where}: {error}") from error
    with_variables = document.get("Version") == VERSIONS[0]
    return tuple(_statement(each, with_variables) for each in as_list(document["Statement"]))


def _statement(given: Mapping[str, Any], with_variables: bool) -> Statement:
    actions, all_but_actions = _one_of(given, "Action", "NotAction")
    resources, all_but_resources = _one_of(given, "Resource", "NotResource")
    return Statement(
        allows=given["Effect"] == "Allow",
        actions=actions,
        all_but_actions=all_but_actions,
        resources=resources,
        all_but_resources=all_but_resources,
        conditions=tuple(
            conditions.read(
                operator, key, [_text(each) for each in as_list(values)], with_variables
            )
            for operator, keys in given.get("Condition", {}).items()
            for key, values in keys.items()
        ),
        principals=_principals(given),
        with_variables=with_variables,
    )


def _one_of(given: Mapping[str, Any], name: str, all_but: str) -> tuple[tuple[str, ...], bool]:
    """The element's texts, and whether they are those of `all_but`."""
    excluded = all_but in given
    return tuple(as_list(given.get(all_but if excluded else name, ()))), excluded


def _principals(given: Mapping[str, Any]) -> Principals | None:
    excluded = "NotPrincipal" in given
    value = given.get("NotPrincipal" if excluded else "Principal")
    if value is None:
        return None
    if value == "*":
        return Principals(everyone=True, excluded=excluded)
    names = {each for kind in value.values() for each in as_list(kind)}
    return Principals("*" in as_list(value.get("AWS", ())), frozenset(names - {"*"}), excluded)


def _is_every(pattern: str, service: str) -> bool:
    """Whether it is `*`, or an ARN such as `arn:aws:logs:*:*:*`."""
    components = pattern.split(":")
    if components[0] != "arn":
        return pattern.strip("*") == ""
    named = components[2:3]
    return named in ([service], ["*"]) and all(each == "*" for each in components[3:])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
