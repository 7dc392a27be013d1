"""The rules of roles in a group, as a table."""

from itertools import product

from lambdas.errors import ChatError
from lambdas.messages import roles
from lambdas.messages.heads import Head
from tests.support.rows import rows


def _head(admins: tuple[str, ...] = ("ravi",), kind: str = "group", **rules: str) -> Head:
    members = frozenset(("ravi", "raju", "mira"))
    return Head("c", "x", kind, 0, 0, members, 0, {}, 0, admins=frozenset(admins), rules=rules)


def test_only_a_rule_for_admins_stops_others_and_only_where_there_are_admins() -> None:
    for user, act, rule, concerned, admins in product(
        ("ravi", "raju"), ("add", "remove"), ("admins", "members"), ((), ("zoe",)), ((), ("ravi",))
    ):
        head = _head(admins, **{act: rule})
        allowed = rule == "members" or not concerned or not admins or user == "ravi"
        try:
            roles.require(head, user, act, concerned)
        except ChatError as error:
            assert (error.code, allowed) == ("forbidden", False)
        else:
            assert allowed, (user, act, rule, concerned, admins)


def test_rules_change_by_name_and_others_stay() -> None:
    assert roles.rules(_head()) == {"add": "members", "remove": "admins", "rename": "members"}
    changed = roles.changed(_head(add="admins"), {"remove": "members", "unknown": "admins"})
    assert changed == {"add": "admins", "remove": "members", "rename": "members"}


@rows(
    ("user", "appoint", "dismiss", "kind", "expected"),
    [
        ("ravi", ["raju"], [], "group", {"ravi", "raju"}),
        ("ravi", ["raju"], ["ravi"], "group", {"raju"}),
        ("ravi", [], [], "group", {"ravi"}),
        ("ravi", ["raju"], ["raju"], "group", {"ravi"}),  # who is dismissed is no admin
        ("ravi", [], ["ravi"], "group", "bad_request"),  # a group keeps one
        ("ravi", ["zoe"], [], "group", "bad_request"),  # not a member
        ("ravi", ["raju", "zoe"], [], "group", "bad_request"),
        ("raju", ["raju"], [], "group", "forbidden"),
        ("ravi", ["raju"], [], "direct", "forbidden"),
    ],
)
def test_admins_appoint_members(
    user: str, appoint: list[str], dismiss: list[str], kind: str, expected: set[str] | str
) -> None:
    try:
        found: object = set(roles.appointed(_head(kind=kind), user, appoint, dismiss))
    except ChatError as error:
        found = error.code
    assert found == expected


def test_who_has_been_a_member_longest_follows_the_last_admin() -> None:
    joined = {"ravi": 0, "mira": 7, "raju": 3, "zoe": 3}
    assert roles.successor(joined, ["ravi"]) == {"raju"}
    assert roles.successor(joined, ["ravi", "raju"]) == {"zoe"}
    assert roles.successor(joined, joined) == frozenset()
