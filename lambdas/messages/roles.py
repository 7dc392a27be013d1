"""Roles in a group: its admins, its rules, and who may do what. No I/O.

The user who founds a group is its first admin. A rule names who may add, remove and rename:
`members` or `admins`. Everybody may leave. The backend knows no names of groups, so only clients
apply `rename`: they ignore a new name from somebody who may not rename.
"""

from collections.abc import Collection, Iterable, Mapping

from lambdas.errors import bad_request, forbidden
from lambdas.messages.heads import Head

ADMINS, MEMBERS = "admins", "members"
DEFAULT_RULES: Mapping[str, str] = {"add": MEMBERS, "remove": ADMINS, "rename": MEMBERS}


def rules(head: Head) -> dict[str, str]:
    return {**DEFAULT_RULES, **head.rules}


def changed(head: Head, new: Mapping[str, str]) -> dict[str, str]:
    return {name: new.get(name, there) for name, there in rules(head).items()}


def require(head: Head, user: str, act: str, concerned: Collection[str]) -> None:
    """Raises ChatError forbidden if the user may not do `act` to the users `concerned`, if any."""
    if concerned and rules(head)[act] == ADMINS and head.admins and user not in head.admins:
        raise forbidden(f"only admins of this group may {act} members")


def appointed(
    head: Head, user: str, appoint: Iterable[str], dismiss: Iterable[str]
) -> frozenset[str]:
    """The admins after a change by the user. Raises ChatError forbidden, bad_request."""
    if head.kind != "group":
        raise forbidden("a direct chat has no admins")
    if user not in head.admins:
        raise forbidden("only admins of this group may appoint admins and change its rules")
    if strangers := {*appoint} - head.members:
        raise bad_request(f"not in this group: {', '.join(sorted(strangers))}")
    admins = (head.admins | {*appoint}) - {*dismiss}
    if not admins:
        raise bad_request("a group keeps one admin at least; appoint another one first")
    return admins


def successor(joined: Mapping[str, int], leaving: Iterable[str]) -> frozenset[str]:
    """Who becomes admin when the last one leaves; `joined` has the seq at which each joined."""
    left = {*leaving}
    staying = sorted((seq, name) for name, seq in joined.items() if name not in left)
    return frozenset(name for _, name in staying[:1])
