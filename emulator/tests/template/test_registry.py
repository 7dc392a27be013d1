from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.providers import Created, EmulatorError, Resource
from emulator.runtime.registry import Registry
from emulator.template.assembly import Assembly, Stack
from emulator.template.place import Place
from emulator.template.stage import Stage


class FakeQueues:
    """Makes queues that are nothing but a name, and keeps what it was asked for."""

    types = ("AWS::SQS::Queue", "AWS::CloudFormation::CustomResource")

    def __init__(self) -> None:
        self.asked: dict[str, dict[str, Any]] = {}

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        self.asked[resource.logical_id] = properties
        if properties.get("Name") == "missing":
            raise KeyError("Size")
        return Created(f"ref-{resource.logical_id}", {"Arn": f"arn-{resource.logical_id}"})


async def secret(name: str) -> str:
    return f"value of {name}"


def create(resources: dict[str, Any]) -> FakeQueues:
    queues = FakeQueues()
    stage = Stage(Assembly((Stack("s", {"Resources": resources}),)), Place())
    asyncio.run(Registry([queues], secret).create_all(stage))
    return queues


def reference(end: str = ":SecretString:::}}") -> dict[str, Any]:
    return {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, end]]}


def test_a_reference_to_a_secret_is_its_value_wherever_it_stands() -> None:
    made = create({"Jobs": queue(Deep=[{"er": reference()}]), "Secret": queue()})
    assert made.asked["Jobs"] == {"Deep": [{"er": "value of ref-Secret"}]}


@pytest.mark.parametrize("end", [":SecretString:key::}}", ":SecretString:::}} and more"])
def test_a_reference_to_part_of_a_secret_is_not_supported(end: str) -> None:
    with pytest.raises(EmulatorError, match="only a whole secret"):
        create({"Jobs": queue(Value=reference(end)), "Secret": queue()})


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "Custom::Queue", "Properties": properties}


def test_resources_are_made_with_the_values_of_those_they_refer_to() -> None:
    made = create(
        {
            "Jobs": queue(
                Dead={"Fn::GetAtt": ["Dead", "Arn"]},
                Board={"Fn::GetAtt": ["Board", "Arn"]},
                Gone={"Ref": "AWS::NoValue"},
            ),
            "Dead": queue(),
            "Board": {"Type": "AWS::Budgets::Budget"},
        }
    )
    assert list(made.asked) == ["Dead", "Jobs"]
    assert made.asked["Jobs"] == {
        "Dead": "arn-Dead",
        "Board": "arn:aws:budgets:us-east-1:123456789012:budget/s-Board",
    }


def test_custom_types_go_to_the_provider_of_custom_resources() -> None:
    made = create({"Platforms": {"Type": "Custom::Anything", "Properties": {"a": 1}}})
    assert made.asked == {"Platforms": {"a": 1}}


def test_unknown_types_stop_before_anything_is_made() -> None:
    with pytest.raises(EmulatorError) as caught:
        create(
            {
                "Jobs": queue(),
                "Search": {"Type": "AWS::OpenSearchService::Domain"},
                "Bus": {"Type": "AWS::Events::EventBus"},
            }
        )
    text = str(caught.value)
    assert "AWS::OpenSearchService::Domain Search in stack s" in text
    assert "AWS::Events::EventBus Bus in stack s" in text
    assert "emulator/template/ignored.py" in text


@pytest.mark.parametrize(
    "resource_type",
    [
        "AWS::CloudFront::MonitoringSubscription",
        "AWS::ECS::ClusterCapacityProviderAssociations",
        "AWS::Lambda::CodeSigningConfig",
        "AWS::Logs::QueryDefinition",
    ],
)
def test_what_changes_nothing_here_is_left_out(resource_type: str) -> None:
    made = create({"Extra": {"Type": resource_type}, "Jobs": queue(Of={"Ref": "Extra"})})
    assert made.asked == {"Jobs": {"Of": "s-Extra"}}


def test_a_property_the_provider_needs_and_does_not_find_is_named() -> None:
    with pytest.raises(EmulatorError, match="Custom::Queue Jobs in stack s has no property"):
        create({"Jobs": queue(Name="missing")})
