"""Which requests policies allow: AWS's own examples and rules, one row each.

UG is docs.aws.amazon.com/IAM/latest/UserGuide/.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from tests.rows import rows

from emulator.iam import documents
from emulator.iam.evaluation import Caller, Policies, Request, Verdict, decide
from emulator.providers import EmulatorError

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/Send"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
CALLER = Caller(SESSION, ROLE, ACCOUNT)
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/chats"
OBJECT = "arn:aws:s3:::files/red/a.txt"


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def policy(*statements: dict[str, Any], of_resource: bool = False) -> documents.Policy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return documents.read("a policy", document, of_resource=of_resource)


def own(effect: Any, principal: Any) -> documents.Policy:
    return policy({**effect, "Principal": principal}, of_resource=True)


class Kinds(NamedTuple):
    """UG reference_policies_evaluation-logic.html: what each kind of policy does to a request of a
    role's session. `own` is the resource's."""

    why: str
    expected: Verdict
    identity: tuple[documents.Policy, ...] = ()
    own: tuple[documents.Policy, ...] = ()
    boundary: documents.Policy | None = None
    session: documents.Policy | None = None
    delegating: bool = False


NOTHING = policy(allow("sqs:*"))
V = Verdict
KINDS = [
    Kinds("all requests are implicitly denied", V.not_in_identity),
    Kinds("an explicit allow overrides this", V.allowed, (policy(allow()),)),
    Kinds("an explicit deny overrides an allow", V.denied_by_identity, (policy(allow(), deny()),)),
    Kinds("in whatever order", V.denied_by_identity, (policy(deny()), policy(allow()))),
    Kinds("a resource's deny too", V.denied_by_resource, (policy(allow()),), (own(deny(), "*"),)),
    Kinds("its deny of the role", V.denied_by_resource, (policy(allow()),), (own(deny(), {"AWS": ROLE}),)),
    Kinds("of the session", V.denied_by_resource, (policy(allow()),), (own(deny(), {"AWS": [SESSION]}),)),
    Kinds("of the account", V.denied_by_resource, (policy(allow()),), (own(deny(), {"AWS": ACCOUNT}),)),
    Kinds("of the account by ARN", V.denied_by_resource, (policy(allow()),), (own(deny(), {"AWS": ROOT}),)),
    Kinds("a deny of another role", V.allowed, (policy(allow()),), (own(deny(), {"AWS": f"{ROLE}2"}),)),
    Kinds("a resource may allow by itself", V.allowed, (), (own(allow(), {"AWS": ROLE}),)),
    Kinds("to the session", V.allowed, (), (own(allow(), {"AWS": SESSION}),)),
    Kinds("to everyone", V.allowed, (), (own(allow(), "*"),)),
    Kinds("to everyone, spelled longer", V.allowed, (), (own(allow(), {"AWS": "*"}),)),
    Kinds("the account is no identity", V.not_in_identity, (), (own(allow(), {"AWS": ROOT}),)),
    Kinds("nor is a service", V.not_in_identity, (), (own(allow(), {"Service": "sns.amazonaws.com"}),)),
    Kinds("a boundary grants nothing", V.not_in_identity, (), (), policy(allow())),
    Kinds("a boundary limits", V.not_in_boundary, (policy(allow()),), (), NOTHING),
    Kinds("a boundary's deny", V.denied_by_boundary, (policy(allow()),), (), policy(allow(), deny())),
    Kinds("within the boundary", V.allowed, (policy(allow()),), (), policy(allow())),
    Kinds("a boundary limits what a role is given", V.not_in_boundary, (), (own(allow(), {"AWS": ROLE}),), NOTHING),
    Kinds("not what a session is given", V.allowed, (), (own(allow(), {"AWS": SESSION}),), NOTHING),
    Kinds("a session's policy grants nothing", V.not_in_identity, (), (), None, policy(allow())),
    Kinds("a session's policy limits", V.not_in_session, (policy(allow()),), (), None, NOTHING),
    Kinds("a session's deny", V.denied_by_session, (policy(allow()),), (), None, policy(deny())),
    Kinds("a key's policy alone rules", V.not_in_resource, (policy(allow()),), (own(allow(), {"AWS": f"{ROLE}2"}),), delegating=True),
    Kinds("unless it delegates", V.allowed, (policy(allow()),), (own(allow(), {"AWS": ROOT}),), delegating=True),
    Kinds("to identities that allow", V.not_in_identity, (NOTHING,), (own(allow(), {"AWS": ROOT}),), delegating=True),
    Kinds("or allows by itself", V.allowed, (), (own(allow(), {"AWS": ROLE}),), delegating=True),
]  # fmt: skip


@rows("case", KINDS, ids=[case.why for case in KINDS])
def test_every_kind_of_policy_counts(case: Kinds) -> None:
    policies = Policies(case.identity, case.own, case.boundary, case.session, case.delegating)
    assert decide(CALLER, Request("dynamodb:GetItem", TABLE, {}), policies) is case.expected


@rows(
    ("action", "pattern", "matches"),
    [
        # UG reference_policies_elements_action.html
        ("dynamodb:GetItem", "dynamodb:GetItem", True),
        ("dynamodb:GetItem", "DynamoDB:getitem", True),
        ("dynamodb:GetItem", "dynamodb:Get*", True),
        ("dynamodb:GetItem", "dynamodb:*Item", True),
        ("dynamodb:GetItem", "dynamodb:?etItem", True),
        ("dynamodb:GetItem", "*", True),
        ("dynamodb:GetItem", "dynamodb:Get", False),
        ("dynamodb:BatchGetItem", "dynamodb:GetItem", False),
        ("dynamodb:GetItem", "dynamo:GetItem", False),
        ("dynamodb:GetItem", "dynamodb:Get?", False),
    ],
)
def test_actions_are_matched_in_any_case(action: str, pattern: str, matches: bool) -> None:
    for element, expected in (("Action", matches), ("NotAction", not matches)):
        statement = {"Effect": "Allow", element: pattern, "Resource": "*"}
        found = decide(CALLER, Request(action, TABLE, {}), Policies((policy(statement),)))
        assert (found is Verdict.allowed) is expected


TAGGED = {"aws:principaltag/team": ["red"], "aws:principaltag/star": ["*"]}


@rows(
    ("resource", "pattern", "matches"),
    [
        # UG reference_policies_elements_resource.html
        (TABLE, TABLE, True),
        (TABLE, "*", True),
        (TABLE, TABLE.replace("chats", "Chats"), False),
        (TABLE, f"arn:aws:dynamodb:*:{ACCOUNT}:table/chats", True),
        (TABLE, "arn:aws:dynamodb:*:*:table/*", True),
        (TABLE, f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/c?ats", True),
        (TABLE, f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/chat", False),
        (f"{TABLE}/index/by", TABLE, False),
        (f"{TABLE}/index/by", f"{TABLE}/index/*", True),
        (f"{TABLE}/index/by", f"{TABLE}*", True),
        # "can expand to match beyond the colon boundaries", where it ends its component
        (TABLE, "arn:aws:dynamodb:*", True),
        (TABLE, f"arn:*:dynamodb:us-*:{ACCOUNT}:table/chats", True),
        (TABLE, f"arn:aws:dynamodb:*-2:{ACCOUNT}:table/chats", False),
        ("arn:aws:s3:::files/a:b", "arn:aws:s3:::files/*b", True),
        # UG reference_policies_variables.html
        (OBJECT, "arn:aws:s3:::files/${aws:PrincipalTag/team}/*", True),
        (OBJECT, "arn:aws:s3:::files/${aws:principaltag/TEAM}/*", True),
        (OBJECT, "arn:aws:s3:::files/${aws:PrincipalTag/none}/*", False),
        (OBJECT, "arn:aws:s3:::files/${aws:PrincipalTag/none, 'red'}/*", True),
        (OBJECT, "arn:aws:s3:::files/${aws:PrincipalTag/team, 'blue'}/*", True),
        (OBJECT, "arn:aws:s3:::files/${aws:PrincipalTag/star}/a.txt", False),
        ("arn:aws:s3:::files/*/a.txt", "arn:aws:s3:::files/${*}/a.txt", True),
        (OBJECT, "arn:aws:s3:::files/${*}/a.txt", False),
    ],
)
def test_resources_are_matched_component_by_component(
    resource: str, pattern: str, matches: bool
) -> None:
    request = Request("s3:GetObject", resource, TAGGED)
    found = decide(CALLER, request, Policies((policy(allow("*", pattern)),)))
    assert (found is Verdict.allowed) is matches
    if "none}" not in pattern:
        others = {"Effect": "Allow", "Action": "*", "NotResource": pattern}
        found = decide(CALLER, request, Policies((policy(others),)))
        assert (found is Verdict.allowed) is not matches


def test_a_variable_without_a_value_makes_the_whole_statement_invalid() -> None:
    # UG reference_policies_variables.html#policy-vars-no-value
    pattern = "arn:aws:s3:::files/${aws:PrincipalTag/none}/*"
    statement = {"Effect": "Allow", "Action": "*", "NotResource": pattern}
    request = Request("s3:GetObject", OBJECT, {})
    assert decide(CALLER, request, Policies((policy(statement),))) is Verdict.not_in_identity


def test_variables_are_plain_text_before_the_version_of_2012() -> None:
    pattern = "arn:aws:s3:::files/${aws:PrincipalTag/team}/*"
    old = documents.read("old", {"Statement": allow("*", pattern)})
    assert decide(CALLER, Request("s3:GetObject", OBJECT, TAGGED), Policies((old,))) is (
        Verdict.not_in_identity
    )
    literal = Request("s3:GetObject", "arn:aws:s3:::files/${aws:PrincipalTag/team}/a", TAGGED)
    assert decide(CALLER, literal, Policies((old,))) is Verdict.allowed


def test_a_service_needs_the_resource_s_policy() -> None:
    service = Caller("apigateway.amazonaws.com")
    request = Request("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:1:function:f", {})
    mine = own(allow("lambda:InvokeFunction"), {"Service": "apigateway.amazonaws.com"})
    other = own(allow("lambda:InvokeFunction"), {"Service": "sns.amazonaws.com"})
    assert decide(service, request, Policies(resource=(mine,))) is Verdict.allowed
    assert decide(service, request, Policies(resource=(other,))) is Verdict.not_in_resource
    assert decide(service, request, Policies((policy(allow()),))) is Verdict.not_in_resource


def test_a_resource_s_deny_can_leave_out_some_principals() -> None:
    # UG reference_policies_elements_notprincipal.html
    def verdict(*names: str) -> Verdict:
        statement = {**deny(), "NotPrincipal": {"AWS": list(names)}}
        policies = Policies((policy(allow()),), (policy(statement, of_resource=True),))
        return decide(CALLER, Request("s3:GetObject", OBJECT, {}), policies)

    assert verdict(ROLE, SESSION, ROOT) is Verdict.allowed
    assert verdict(f"{ROLE}2") is Verdict.denied_by_resource


@rows(
    ("statement", "of_resource"),
    [
        ({**allow(), "Effect": "allow"}, False),
        ({**allow(), "Actions": "*"}, False),
        ({"Effect": "Allow", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*"}, False),
        ({**allow(), "NotAction": "*"}, False),
        (allow("GetItem"), False),
        (allow("*", "table/chats"), False),
        (allow(Condition={"StringIs": {"aws:SourceIp": "x"}}), False),
        (allow(Condition={"ForSome:StringLike": {"aws:SourceIp": "x"}}), False),
        (allow(Condition={"NullIfExists": {"aws:SourceIp": "true"}}), False),
        (allow(Principal="*"), False),
        (allow(), True),
        (allow(Principal="me"), True),
        (allow(Principal={"User": "me"}), True),
        (allow(Principal={"AWS": 5}), True),
        (allow(Principal={"AWS": [ROOT, None]}), True),
        (allow(Principal="*", NotPrincipal={"AWS": ROOT}), True),
    ],
)
def test_what_iam_rejects_is_rejected(statement: dict[str, Any], of_resource: bool) -> None:
    with pytest.raises(EmulatorError, match="a policy: "):
        policy(statement, of_resource=of_resource)


DATE = "DateGreaterThan"


@rows(
    "statement",
    [
        "a text",
        allow([]),
        allow({}),
        allow([["*"]]),
        allow(""),
        allow("s3:List:Bucket"),
        allow("a a:ListBucket"),
        allow("*", []),  # taken for every resource before
        allow("*", ""),
        allow("*", "**"),
        allow("*", {"arn": OBJECT}),
        allow("*", [OBJECT, {}]),
        allow("*", "arn:aws"),
        allow("*", "arn:aws::files"),
        allow("*", "arn:aws::::files"),
        allow("*", "arn:aws:s3::files"),
        allow("*", "arn:error:s3:::files"),
        allow("*", "arn:aws:s3:us-east-1::files"),
        allow("*", f"arn:aws:iam:us-east-1:{ACCOUNT}:role/app"),
        allow("*", f"arn:aws:iam::{ACCOUNT}:app"),
        allow(NotResource=[]),
        allow(Condition=[]),
        allow(Condition="a"),
        allow(Condition={"a": "b"}),
        allow(Condition={DATE: []}),
        allow(Condition={DATE: {"aws:CurrentTime": {}}}),
        allow(Condition={DATE: {"aws:CurrentTime": "never"}}),
        allow(Condition={DATE: {"aws:CurrentTime": ["2026-01-01", "234-13"]}}),
        allow(Condition={f"ForAnyValue:{DATE}IfExists": {"aws:CurrentTime": str(2**63)}}),
        allow(Condition={"ForAnyValue::StringEquals": {"aws:UserAgent": "a"}}),
        allow(Sid=[]),
    ],
)
def test_what_iam_has_rejected_of_moto_s_authors_is_rejected(statement: Any) -> None:
    """Recorded in moto's tests/test_iam/test_iam_policies.py."""
    with pytest.raises(EmulatorError, match="a policy: "):
        policy(statement)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        # UG reference_policies_elements_sid.html: letters and digits of ASCII
        (allow(Sid="a-b"), "not alphanumeric"),
        (allow(Sid="a b"), "not alphanumeric"),
        # "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards" of `*:Untag*`:
        # github.com/boogy/iam-policy-validator/pull/172
        (allow("*:ListBucket"), "vendor"),
        # IAM's message, which moto has recorded of a shorter ARN
        (allow("*", "arn:aws:*:*:*:*"), "vendor must be fully qualified"),
        (allow("*", f"arn:aws:d*b:us-east-1:{ACCOUNT}:table/chats"), "vendor must be"),
    ],
)
def test_what_iam_s_guide_or_reports_of_others_reject_is_rejected(
    statement: Any, reason: str
) -> None:
    with pytest.raises(EmulatorError, match=reason):
        policy(statement)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"Version": "2012-10-17"},
        {"Version": "2012-10-17", "Statement": []},
        {"Version": "2013-10-17", "Statement": allow()},
        {"Version": "2012-10-17", "Statement": allow(), "Comment": "a"},
        {"Version": "2012-10-17", "Statement": allow(), "Id": []},
        {"Version": "2012-10-17", "Statement": [allow(Sid="a"), deny(Sid="a")]},
    ],
)
def test_a_document_of_another_form_is_rejected(document: Any) -> None:
    with pytest.raises(EmulatorError, match="it: "):
        documents.read("it", document)


@rows(
    "statement",
    [
        allow(["*"], ["*", OBJECT]),
        allow("*:*"),
        allow("iam: asdf safdsf af "),
        allow("service-prefix:x"),
        allow("s3.s:x"),
        allow("*", "arn:aws:fdsasf"),
        allow("*", "arn:aws:iam::*:user/${aws:username}"),
        allow("*", "arn:aws:s3:*:*:access-grants/default/*"),  # AWS's own policies have these two
        allow("*", "arn:aws:iam::*:root"),
        {"Effect": "Deny", "NotAction": "s3:ListBucket", "NotResource": "*"},
        allow(Condition={}),
        allow(Condition={"a": {}}),
        allow(Condition={DATE: {"aws:CurrentTime": []}}),
        allow(Condition={"Null": {"aws:UserAgent": []}}),
        allow(Condition={DATE: {"aws:CurrentTime": "2016-12-13t21:20:37.593194+00:00"}}),
        allow(Condition={DATE: {"aws:CurrentTime": "2016-12"}}),
        allow(Sid=""),
    ],
)
def test_what_iam_takes_is_taken(statement: Any) -> None:
    read = policy(statement, {**statement, "Sid": ""})
    decide(CALLER, Request("s3:GetObject", OBJECT, {"aws:useragent": ["a"]}), Policies((read,)))
