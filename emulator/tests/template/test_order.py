from __future__ import annotations

from typing import Any

import pytest

from emulator.providers import EmulatorError
from emulator.resource import Resource
from emulator.template import ignored
from emulator.template.assembly import Assembly, Stack
from emulator.template.place import Place
from emulator.template.stage import Stage


def order(*stacks: Stack) -> list[str]:
    return [each.logical_id for each in Stage(Assembly(stacks), Place()).resources()]


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def test_resources_keep_the_templates_order_where_nothing_speaks_against_it() -> None:
    assert order(Stack("s", {"Resources": {"B": queue(), "A": queue()}})) == ["B", "A"]


@pytest.mark.parametrize(
    "reference",
    [
        {"Ref": "Z"},
        {"Fn::GetAtt": ["Z", "Arn"]},
        {"Fn::GetAtt": "Z.Arn"},
        {"Fn::Sub": "x ${Z.Arn}"},
        {"Fn::Sub": ["x ${V}", {"V": {"Ref": "Z"}}]},
        {"Fn::Join": ["", ["a", {"Ref": "Z"}]]},
        {"Fn::ImportValue": "z-name"},
    ],
)
def test_what_is_referred_to_comes_first(reference: Any) -> None:
    template = {
        "Resources": {"A": queue(Deep=[{"er": reference}]), "Z": queue()},
        "Outputs": {"Z": {"Value": {"Ref": "Z"}, "Export": {"Name": "z-name"}}},
    }
    assert order(Stack("s", template)) == ["Z", "A"]


def test_depends_on_and_exports_of_later_stacks_count() -> None:
    first = {"Resources": {"A": {**queue(), "DependsOn": ["B"]}, "B": queue()}}
    second = {"Resources": {"C": queue(From={"Fn::ImportValue": "d"})}}
    third = {
        "Resources": {"D": queue()},
        "Outputs": {"D": {"Value": {"Ref": "D"}, "Export": {"Name": "d"}}},
    }
    stacks = (Stack("1", first), Stack("2", second), Stack("3", third))
    assert order(*stacks) == ["B", "A", "D", "C"]


def test_what_an_output_of_another_stack_stands_for_comes_first() -> None:
    name = {"Fn::Join": ["", ["sec", "ond"]]}
    asking = {"Fn::GetStackOutput": {"StackName": name, "OutputName": "Out"}}
    first = {"Resources": {"A": queue(Deep=[{"er": {"Fn::Join": ["", ["x", asking]]}}])}}
    second = {
        "Resources": {"Other": queue(), "B": queue()},
        "Outputs": {"Out": {"Value": {"Fn::GetAtt": ["B", "Arn"]}}, "O": {"Value": "x"}},
    }
    assert order(Stack("first", first), Stack("second", second)) == ["B", "A", "Other"]


def test_a_cycle_names_every_resource_on_it() -> None:
    template = {
        "Resources": {
            "Alone": queue(),
            "A": queue(To={"Ref": "B"}),
            "B": queue(To={"Ref": "A"}),
        }
    }
    with pytest.raises(EmulatorError, match=r"A in stack s -> .* B in stack s -> .* A in stack s"):
        order(Stack("s", template))


def test_a_resource_without_local_meaning_still_has_a_name_and_an_arn() -> None:
    role = Resource("chat", "SendRole", "AWS::IAM::Role")
    made = ignored.named(role, "us-east-1", "123456789012")
    assert made.ref == "chat-SendRole"
    assert "Arn" in made.attributes
    assert made.attributes["Arn"] == "arn:aws:iam::123456789012:role/chat-SendRole"
    assert made.attributes["RoleId"] == "SendRole.RoleId"


def test_every_ignored_type_says_why() -> None:
    assert all(reason for reason in ignored.IGNORED.values())


def test_what_an_ignored_resource_would_have_done_to_requests_is_reported() -> None:
    acl = Resource("web", "Acl", "AWS::WAFv2::WebACL")
    guarding = Resource("web", "Guarding", "AWS::WAFv2::WebACLAssociation")
    role = Resource("web", "Role", "AWS::IAM::Role")
    (line,) = ignored.missed([acl, guarding, guarding, role])
    assert "WAF" in line
    assert ignored.missed([role]) == []


def test_rates_of_a_websocket_api_are_reported_as_not_applied() -> None:
    limit = {"ThrottlingRateLimit": 200}
    stages = [
        Resource("chat", "Stage", "AWS::ApiGatewayV2::Stage", settings)
        for settings in (
            {"DefaultRouteSettings": limit},
            {"RouteSettings": {"send": limit}},
            {
                "DefaultRouteSettings": {"DetailedMetricsEnabled": True},
                "RouteSettings": {"send": {}},
            },
        )
    ]
    assert [len(ignored.missed([stage])) for stage in stages] == [1, 1, 0]


@pytest.mark.parametrize(
    ("boundary", "lines"),
    [
        ("arn:aws:iam::123456789012:policy/limit", 1),
        ("arn:aws:iam::aws:policy/PowerUserAccess", 0),
        ({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/limit"}, 0),
        ({"Ref": "Limit"}, 0),
    ],
    ids=str,
)
def test_a_boundary_that_is_a_text_and_not_in_the_templates_is_reported(
    boundary: object, lines: int
) -> None:
    roles = [
        Resource("web", f"Role{n}", "AWS::IAM::Role", {"PermissionsBoundary": boundary})
        for n in range(2)
    ]
    assert len(ignored.missed(roles)) == lines
