"""Stacks refer to stacks above them, never the other way, and only by strong references."""

import json
from collections.abc import Iterator
from typing import Any

from tests.stacks.synthesized import Synthesized

ORDER = ("Network", "Data", "Notifications", "Chat", "Web", "Observability")
MAY_REFER_TO = {
    "Network": set[str](),
    "Data": set[str](),
    "Notifications": {"Data"},
    "Chat": {"Data", "Notifications"},
    "Web": {"Network", "Data", "Chat"},
    "Observability": {"Notifications", "Chat", "Web"},
}


def test_each_stack_refers_to_the_stacks_it_is_made_of_and_to_no_other(prod: Synthesized) -> None:
    found = {
        stack: {name.split(":")[0].rpartition("-")[2].capitalize() for name in _imports(template)}
        for stack, template in prod.stacks.items()
    }
    assert found == MAY_REFER_TO


def test_references_go_one_way(prod: Synthesized) -> None:
    for stack, others in MAY_REFER_TO.items():
        assert all(ORDER.index(other) < ORDER.index(stack) for other in others)
    assert set(prod.stacks) == set(ORDER)


def test_every_import_has_its_export_and_every_export_its_import(prod: Synthesized) -> None:
    imported = {name for template in prod.stacks.values() for name in _imports(template)}
    exported = {
        output["Export"]["Name"]
        for template in prod.stacks.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    assert imported == exported


def test_no_attribute_of_a_custom_resource_crosses_stacks(
    dev: Synthesized, staging: Synthesized, prod: Synthesized
) -> None:
    """It is whatever its function answers, the empty text included, and CloudFormation refuses an
    export that is empty, and a change of one that is imported:
    docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html"""
    for environment in (dev, staging, prod):
        custom = {
            each.logical_id for each in environment.resources if each.type.startswith("Custom::")
        }
        assert custom
        for template in environment.stacks.values():
            for output in template.get("Outputs", {}).values():
                assert not custom & set(_attributes_of(output["Value"]))


def test_nothing_needs_a_function_or_a_parameter_of_cdk_s_own(prod: Synthesized) -> None:
    assert all(
        resource.properties["Runtime"] == "python3.13"
        for resource in prod.all("AWS::Lambda::Function")
    )
    for template in prod.stacks.values():
        assert set(template.get("Parameters", {})) <= {"BootstrapVersion"}
    assert "dummy1a" not in json.dumps(prod.stacks)


def _imports(value: Any) -> Iterator[str]:
    match value:
        case {"Fn::ImportValue": name}:
            yield name
        case dict():
            for each in value.values():
                yield from _imports(each)
        case list():
            for each in value:
                yield from _imports(each)


def _attributes_of(value: Any) -> Iterator[str]:
    """The resources of which an attribute is in the value."""
    match value:
        case {"Fn::GetAtt": [logical_id, _]}:
            yield logical_id
        case dict():
            for each in value.values():
                yield from _attributes_of(each)
        case list():
            for each in value:
                yield from _attributes_of(each)
