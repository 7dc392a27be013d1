"""Stacks refer to stacks above them, never the other way: by exports, or, to watch them, by outputs.

An export can't change or vanish while it is imported, and the stack that has it is deployed before
the one that imports it. So every change of a configuration leaves alone what is imported.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from stacks.build.fingerprint import ROOT, fingerprint
from stacks.config.environments import DEV, PROD, STAGING, Environment
from tests.stacks.changes import BASE, CHANGES, IN_TWO_STEPS, cases_with_marks
from tests.stacks.shared_environments import EVERYTHING
from tests.stacks.synthesized import Synthesize, Synthesized, stack_id

ORDER = ("Network", "Data", "Notifications", "Chat", "Web", "Observability")
IMPORTS_FROM = {
    "Network": set[str](),
    "Data": set[str](),
    "Notifications": {"Data"},
    "Chat": {"Data", "Notifications"},
    "Web": {"Network", "Data", "Chat"},
    "Observability": set[str](),
}
READS_OUTPUTS_OF = {
    **{stack: set[str]() for stack in ORDER},
    "Observability": {"Data", "Notifications", "Chat", "Web"},
}


@pytest.mark.parametrize("config", [DEV, STAGING, PROD, BASE], ids=["dev", "staging", "prod", "at"])
def test_each_stack_refers_to_the_stacks_it_is_made_of_and_to_no_other(
    synthesize: Synthesize, config: Environment
) -> None:
    for function, expected in (
        ("Fn::ImportValue", IMPORTS_FROM),
        ("Fn::GetStackOutput", READS_OUTPUTS_OF),
    ):
        found = {
            stack: {_referred(argument) for argument in _calls(template, function)}
            for stack, template in synthesize(config).stacks.items()
        }
        assert found == expected


def test_references_go_one_way(prod: Synthesized) -> None:
    assert set(prod.stacks) == set(ORDER)
    for table in (IMPORTS_FROM, READS_OUTPUTS_OF):
        for stack, others in table.items():
            assert all(ORDER.index(other) < ORDER.index(stack) for other in others)


def test_a_stack_is_deployed_after_all_it_refers_to(prod: Synthesized) -> None:
    for stack in ORDER:
        assert prod.needs[stack] >= IMPORTS_FROM[stack] | READS_OUTPUTS_OF[stack]
    assert "Web" in prod.needs["Observability"]


@pytest.mark.parametrize("config", [DEV, PROD], ids=["dev", "prod"])
def test_every_import_has_its_export_and_every_export_its_import(
    synthesize: Synthesize, config: Environment
) -> None:
    """But private subnets, which wait there for tasks that a NAT gateway brings."""
    environment = synthesize(config)
    imported, exports = _imported(environment), _exports(environment)
    assert imported <= exports.keys()
    idle = {environment.show(exports[name]) for name in exports.keys() - imported}
    assert idle == (
        set()
        if config.network.nat_gateways
        else {f"<VpcprivateSubnet{number}Subnet>" for number in (1, 2)}
    )


def test_every_output_that_is_read_exists(prod: Synthesized) -> None:
    for argument in _calls(prod.stacks["Observability"], "Fn::GetStackOutput"):
        assert argument["Region"] == {"Ref": "AWS::Region"}
        assert "RoleArn" not in argument
        assert argument["OutputName"] in prod.stacks[_referred(argument)]["Outputs"]


# Functions that take what Fn::GetStackOutput gives; Fn::Split is not among them.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-split.html
TAKE_OUTPUTS = {"Fn::Base64", "Fn::Join", "Fn::Select", "Fn::Sub"}


def test_an_output_is_read_where_cloudformation_resolves_it(synthesize: Synthesize) -> None:
    environment = synthesize(EVERYTHING)

    def surrounding(value: Any, functions: frozenset[str]) -> Iterator[frozenset[str]]:
        if isinstance(value, dict):
            for name, each in value.items():
                if name == "Fn::GetStackOutput":
                    yield functions
                yield from surrounding(each, functions | {name} if "Fn::" in name else functions)
        elif isinstance(value, list):
            for each in value:
                yield from surrounding(each, functions)

    resources = environment.stacks["Observability"]["Resources"]
    found = list(surrounding(resources, frozenset()))
    assert found
    assert all(functions <= TAKE_OUTPUTS for functions in found)


@pytest.mark.slow
@pytest.mark.parametrize("change", cases_with_marks(CHANGES))
def test_what_is_imported_outlives_every_change(synthesize: Synthesize, change: str) -> None:
    """One stack after another, as `cdk deploy` updates them. CloudFormation: "You can't modify or
    remove an output value that is referenced by another stack"
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html).
    """
    deployed, changed = (synthesize(config) for config in CHANGES[change])
    now = dict(deployed.stacks)
    order = [*TopologicalSorter(changed.needs).static_order()]
    assert set(order) == set(now) == set(changed.stacks)
    for stack in order:
        before, after = _exports_of(now[stack]), _exports_of(changed.stacks[stack])
        others = [template for name, template in now.items() if name != stack]
        in_use = {name for each in others for name in _calls(each, "Fn::ImportValue")}
        assert {name: after.get(name) for name in in_use & before.keys()} == {
            name: value for name, value in before.items() if name in in_use
        }, stack
        exported = {name for each in others for name in _exports_of(each)}
        assert exported >= {*_calls(changed.stacks[stack], "Fn::ImportValue")}, stack
        now[stack] = changed.stacks[stack]


@pytest.mark.slow
@pytest.mark.parametrize("change", cases_with_marks(IN_TWO_STEPS))
def test_what_takes_two_deployments_takes_no_more(synthesize: Synthesize, change: str) -> None:
    """The first imports only what is exported already, and leaves what goes without an import."""
    before, after, first = IN_TWO_STEPS[change]
    deployed, changed = synthesize(before), synthesize(after)
    needed = {name for stack in first for name in _calls(changed.stacks[stack], "Fn::ImportValue")}
    assert needed <= _exports(deployed).keys()
    mixed = {name: (changed if name in first else deployed).stacks[name] for name in ORDER}
    in_use = {name for each in mixed.values() for name in _calls(each, "Fn::ImportValue")}
    exports = _exports(changed)
    assert {name: exports.get(name) for name in in_use} == {
        name: value for name, value in _exports(deployed).items() if name in in_use
    }


@pytest.mark.slow
@pytest.mark.parametrize("change", cases_with_marks(CHANGES))
def test_whatever_reads_outputs_is_updated_with_every_change(
    synthesize: Synthesize, change: str
) -> None:
    """`cdk deploy` skips a stack whose template is the same, and CloudFormation may pass over a
    resource that is: an output's new value would not be read."""
    deployed, changed = (synthesize(config) for config in CHANGES[change])
    before, after = (each.stacks["Observability"]["Resources"] for each in (deployed, changed))
    reading = {id for id, body in after.items() if any(_calls(body, "Fn::GetStackOutput"))}
    assert reading
    for id in reading & before.keys():
        assert before[id]["Properties"] != after[id]["Properties"], id


def test_the_fingerprint_stands_in_every_resource_that_reads_outputs(prod: Synthesized) -> None:
    for id, body in prod.stacks["Observability"]["Resources"].items():
        if any(_calls(body, "Fn::GetStackOutput")):
            assert fingerprint(PROD) in json.dumps(body["Properties"]), id


def test_the_fingerprint_is_of_configuration_sources_and_context(tmp_path: Path) -> None:
    """And of nothing else: not of where the sources lie, nor of byte code beside them."""

    def copy(name: str) -> Path:
        root = tmp_path / name
        (root / "stacks" / "constructs").mkdir(parents=True)
        (root / "cdk.json").write_text("{}")
        (root / "stacks" / "web.py").write_text("one")
        (root / "stacks" / "constructs" / "pool.py").write_text("two")
        return root

    one, other = copy("one"), copy("other")
    first = fingerprint(PROD, one)
    assert first == fingerprint(PROD, other) == fingerprint(replace(PROD), one)
    assert first != fingerprint(PROD, ROOT)
    (other / "stacks" / "web.pyc").write_text("compiled")
    assert fingerprint(PROD, other) == first

    changed = [fingerprint(replace(PROD, message_ttl_days=31), one)]
    for path in ("cdk.json", "stacks/web.py", "stacks/constructs/pool.py"):
        kept = (other / path).read_text()
        (other / path).write_text(f"{kept} ")
        changed.append(fingerprint(PROD, other))
        (other / path).write_text(kept)
    (other / "stacks" / "new.py").write_text("")
    changed.append(fingerprint(PROD, other))
    assert len({first, *changed}) == 1 + len(changed)


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
                attributes = _calls(output["Value"], "Fn::GetAtt")
                assert not custom & {logical_id for logical_id, _ in attributes}


def test_nothing_needs_a_function_or_a_parameter_of_cdk_s_own(prod: Synthesized) -> None:
    assert all(
        resource.properties["Runtime"] == "python3.13"
        for resource in prod.all("AWS::Lambda::Function")
    )
    for template in prod.stacks.values():
        assert set(template.get("Parameters", {})) <= {"BootstrapVersion"}
    assert "dummy1a" not in json.dumps(prod.stacks)


def _exports(environment: Synthesized) -> dict[str, Any]:
    templates = environment.stacks.values()
    return {name: value for each in templates for name, value in _exports_of(each).items()}


def _exports_of(template: Mapping[str, Any]) -> dict[str, Any]:
    outputs = template.get("Outputs", {}).values()
    return {each["Export"]["Name"]: each["Value"] for each in outputs if "Export" in each}


def _imported(environment: Synthesized) -> set[str]:
    templates = environment.stacks.values()
    return {name for template in templates for name in _calls(template, "Fn::ImportValue")}


def _referred(argument: str | Mapping[str, Any]) -> str:
    """The id of the stack that an import or a read output is of."""
    if isinstance(argument, str):
        return stack_id(argument.partition(":")[0])
    return stack_id(argument["StackName"])


def _calls(value: Any, function: str) -> Iterator[Any]:
    """The arguments of every call of an intrinsic function."""
    match value:
        case dict():
            for name, each in value.items():
                if name == function:
                    yield each
                else:
                    yield from _calls(each, function)
        case list():
            for each in value:
                yield from _calls(each, function)
