from __future__ import annotations

from pathlib import Path

import pytest

from emulator.providers import EmulatorError
from emulator.template import assembly
from tests import cloud_assemblies


def test_stacks_come_by_their_deployed_name_and_after_what_they_depend_on(tmp_path: Path) -> None:
    cloud_assemblies.write(
        tmp_path,
        {"Web": {"Resources": {}}, "Network": {"Resources": {}}},
        depends_on={"Web": ["Network"]},
    )
    loaded = assembly.load(tmp_path)
    assert [stack.name for stack in loaded.stacks] == ["my-Network", "my-Web"]


def test_a_resource_has_its_type_properties_dependencies_and_metadata(tmp_path: Path) -> None:
    cloud_assemblies.write(
        tmp_path,
        {
            "Data": {
                "Resources": {
                    "Chats": {
                        "Type": "AWS::DynamoDB::Table",
                        "Properties": {"TableName": "chats"},
                        "DependsOn": "Key",
                        "Metadata": {"aws:asset:path": "x"},
                    }
                }
            }
        },
    )
    (resource,) = assembly.load(tmp_path).stacks[0].resources()
    assert (resource.stack, resource.logical_id) == ("my-Data", "Chats")
    assert resource.type == "AWS::DynamoDB::Table"
    assert resource.properties == {"TableName": "chats"}
    assert resource.depends_on == ("Key",)
    assert resource.metadata == {"aws:asset:path": "x"}


def test_assets_are_found_by_object_key_and_by_image_tag(tmp_path: Path) -> None:
    code, image = tmp_path / "code", tmp_path / "image"
    cloud_assemblies.write(
        tmp_path / "cdk.out", {"S": {}}, files={"abc.zip": code}, images={"def": image}
    )
    loaded = assembly.load(tmp_path / "cdk.out")
    assert loaded.file("abc.zip") == code
    assert loaded.image("123.dkr.ecr.us-east-1.amazonaws.com/repo:def") == image
    with pytest.raises(EmulatorError, match=r"object key 'other\.zip'"):
        loaded.file("other.zip")
    with pytest.raises(EmulatorError, match="tag 'latest'"):
        loaded.image("public.ecr.aws/nginx:latest")


def test_what_was_remarked_at_synthesis_is_reported_once_and_as_cdk_would_print_it(
    tmp_path: Path,
) -> None:
    warning = ("aws:cdk:warning", "waf is True: [it] stands before one only. [ack: my:beside-waf]")
    cloud_assemblies.write(
        tmp_path,
        {"Web": {}, "Chat": {}, "Data": {}},
        metadata={
            "Web": [("aws:cdk:logicalId", "Web123"), warning, ("aws:cdk:info", "It is two.")],
            "Chat": [warning],
        },
    )
    assert assembly.load(tmp_path).notes == (
        "warning: waf is True: [it] stands before one only.",
        "It is two.",
    )


def test_a_directory_without_an_assembly_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match=f"{tmp_path} holds no cloud assembly"):
        assembly.load(tmp_path)


def test_an_assembly_of_another_account_and_region_is_moved() -> None:
    arn = "arn:aws:sns:eu-west-1:111122223333:app/GCM/shop"
    template = {
        "Resources": {"Zone": {"Type": "T", "Properties": {"Zone": "eu-west-1a", "Arn": arn}}}
    }
    loaded = assembly.Assembly(
        (
            assembly.Stack("data", template, environment="aws://111122223333/eu-west-1"),
            assembly.Stack("open", template),
        )
    )
    here, left_open = assembly.moved(loaded, "123456789012", "us-east-1").stacks
    (resource,) = here.resources()
    assert resource.properties == {
        "Zone": "us-east-1a",
        "Arn": "arn:aws:sns:us-east-1:123456789012:app/GCM/shop",
    }
    assert left_open.template == template
