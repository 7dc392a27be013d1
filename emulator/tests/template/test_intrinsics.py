from __future__ import annotations

from typing import Any

import pytest
from tests.rows import rows

from emulator.providers import Created, EmulatorError
from emulator.template.assembly import Assembly, Stack
from emulator.template.place import Place
from emulator.template.stage import Stage

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Colour": {"Type": "String", "Default": "blue"},
        "Secret": {"Type": "String"},
    },
    "Mappings": {"Sizes": {"us-east-1": {"large": "m7g.large"}}},
    "Conditions": {
        "IsBlue": {"Fn::Equals": [{"Ref": "Colour"}, "blue"]},
        "IsRed": {"Fn::Equals": [{"Ref": "Colour"}, "red"]},
        "Both": {"Fn::And": [{"Condition": "IsBlue"}, {"Condition": "IsRed"}]},
        "Either": {"Fn::Or": [{"Condition": "IsBlue"}, {"Condition": "IsRed"}]},
        "NotRed": {"Fn::Not": [{"Condition": "IsRed"}]},
    },
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Unwanted": {"Type": "AWS::SQS::Queue", "Condition": "IsRed"},
        "Wanted": {"Type": "AWS::SQS::Queue", "Condition": "Either"},
    },
    "Outputs": {
        "QueueArn": {
            "Value": {"Fn::GetAtt": ["Queue", "Arn"]},
            "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:Queue"}},
        }
    },
}
OTHER: dict[str, Any] = {
    "Resources": {"Table": {"Type": "AWS::DynamoDB::Table"}},
    "Outputs": {
        "TableName": {"Value": {"Fn::Sub": "${Table} of ${AWS::StackName}"}},
        "Shown": {"Value": "plain", "Export": {"Name": "exported-as"}},
    },
}
QUEUE = Created("https://queue", {"Arn": "arn:queue", "Endpoint.Port": 8080})


def output(stack: Any, name: Any, **more: Any) -> dict[str, Any]:
    return {"Fn::GetStackOutput": {"StackName": stack, "OutputName": name, **more}}


def resolved(value: Any) -> Any:
    template = {
        **TEMPLATE,
        "Resources": {
            **TEMPLATE["Resources"],
            "Asked": {"Type": "AWS::Lambda::Function", "Properties": {"Value": value}},
        },
    }
    stage = Stage(Assembly((Stack("chat", template), Stack("data", OTHER))), Place())
    for resource in stage.resources():
        if resource.logical_id == "Table":
            stage.record(resource, Created("chats", {}))
        if resource.logical_id == "Asked":
            return stage.properties(resource).get("Value", "left out")
        if resource.logical_id == "Queue":
            stage.record(resource, QUEUE)
    raise AssertionError("the resource was not in the stage")


@rows(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ({"a": [1, True, None]}, {"a": [1, True, None]}),
        ({"Ref": "Queue"}, "https://queue"),
        ({"Ref": "Colour"}, "blue"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::StackName"}, "chat"),
        ({"Ref": "AWS::NoValue"}, "left out"),
        ({"list": [1, {"Ref": "AWS::NoValue"}, 2]}, {"list": [1, 2]}),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:queue"),
        ({"Fn::GetAtt": "Queue.Arn"}, "arn:queue"),
        ({"Fn::GetAtt": ["Queue", "Endpoint.Port"]}, 8080),
        ({"Fn::Join": ["-", ["a", {"Ref": "Colour"}, 7]]}, "a-blue-7"),
        ({"Fn::Join": [",", {"Fn::GetAZs": ""}]}, "us-east-1a,us-east-1b,us-east-1c"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}, "us-east-1a"),
        ({"Fn::Sub": "${Queue} ${Queue.Arn} ${AWS::Partition}"}, "https://queue arn:queue aws"),
        ({"Fn::Sub": ["${!Literal} ${Own}", {"Own": {"Ref": "Colour"}}]}, "${Literal} blue"),
        ({"Fn::Base64": {"Ref": "Colour"}}, "Ymx1ZQ=="),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "large"]}, "m7g.large"),
        ({"Fn::If": ["IsBlue", "sky", "sand"]}, "sky"),
        ({"Fn::If": ["Both", "sky", "sand"]}, "sand"),
        ({"Fn::If": ["NotRed", "sky", {"Ref": "Nowhere"}]}, "sky"),
        ({"Fn::If": ["IsRed", "sky", {"Ref": "AWS::NoValue"}]}, "left out"),
        ({"Fn::ImportValue": "chat:Queue"}, "arn:queue"),
        (output("data", "TableName"), "chats of data"),
        (output("data", "TableName", Region={"Ref": "AWS::Region"}), "chats of data"),
        (output({"Fn::Join": ["", ["da", "ta"]]}, {"Fn::Sub": "Shown"}), "plain"),
        ({"Fn::Split": [" of ", output("data", "TableName")]}, ["chats", "data"]),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)
def test_every_intrinsic_gives_what_cloudformation_gives(value: Any, expected: Any) -> None:
    assert resolved(value) == expected


@rows(
    ("value", "sentence"),
    [
        ({"Ref": "Nowhere"}, "stack chat has no resource or parameter Nowhere"),
        ({"Fn::Sub": "${Own}"}, "no resource or parameter Own"),
        ({"Ref": "Unwanted"}, "stack chat has no resource or parameter Unwanted"),
        ({"Ref": "Secret"}, "parameter Secret of stack chat has no default"),
        (
            {"Fn::GetAtt": ["Queue", "Colour"]},
            r"AWS::SQS::Queue Queue in stack chat has no attribute 'Colour' .*\(it has Arn",
        ),
        ({"Fn::ImportValue": "chat:Nothing"}, "no stack of the stage exports 'chat:Nothing'"),
        (output("nowhere", "TableName"), "the stage has no stack 'nowhere' to read 'TableName' of"),
        (output("data", "exported-as"), "stack data has no output 'exported-as'"),
        (output("data", "Table"), "stack data has no output 'Table'"),
        (output("chat", "QueueArn"), "stack chat reads its own output 'QueueArn'"),
        (
            output("data", "Shown", Region="eu-west-1"),
            "reads data in eu-west-1; the emulator has one region, which is us-east-1",
        ),
        (
            output("data", "Shown", RoleArn="arn:aws:iam::210987654321:role/reader"),
            "reads data by the role arn:aws:iam::210987654321:role/reader; .* one account",
        ),
        ({"Fn::GetStackOutput": {"StackName": "data"}}, "has StackName; it takes StackName and"),
        (output("data", "Shown", Account="1"), "has Account, OutputName, StackName; it takes"),
        ({"Fn::FindInMap": ["Sizes", "eu", "large"]}, r"no mapping Sizes\.eu\.large"),
        ({"Fn::If": ["Nope", 1, 2]}, "no condition Nope"),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, "Fn::Cidr is not known"),
        ({"Fn::Select": [3, ["a"]]}, "entry 3 of a list of 1"),
        ("{{resolve:ssm:/a}}", "dynamic references"),
        ({"Fn::Join": ["", [{"a": 1}]]}, "a text was expected"),
    ],
)
def test_what_cannot_be_resolved_is_reported_with_the_resource_that_asked(
    value: Any, sentence: str
) -> None:
    with pytest.raises(EmulatorError, match=sentence) as caught:
        resolved(value)
    assert str(caught.value).startswith("AWS::Lambda::Function Asked in stack chat: ")


def test_an_empty_export_is_rejected_as_cloudformation_rejects_it() -> None:
    outputs = {"Empty": {"Value": {"Fn::Join": ["", ["", " "]]}, "Export": {"Name": "empty"}}}
    stage = Stage(Assembly((Stack("chat", {"Resources": {}, "Outputs": outputs}),)), Place())
    with pytest.raises(EmulatorError, match="'empty' is empty, and CloudFormation rejects"):
        stage.imported("empty")


def test_resources_whose_condition_is_false_are_not_made() -> None:
    stage = Stage(Assembly((Stack("chat", TEMPLATE),)), Place())
    assert [each.logical_id for each in stage.resources()] == ["Queue", "Wanted"]
