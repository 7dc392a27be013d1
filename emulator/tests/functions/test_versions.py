"""Versions and aliases: names of a function's one code."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.functions.hosts import function, running
from tests.rows import rows

from emulator.functions.model import arn_of, qualified
from emulator.functions.versions import VersionProvider
from emulator.providers import Created, EmulatorError, Resource
from emulator.template.place import Place

ARN = "arn:aws:lambda:us-east-1:123456789012:function:echo"
URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
SOURCE = """
def handler(event, context):
    return context.invoked_function_arn
"""
REFERENCES = {
    "echo": ("echo", None),
    "echo:live": ("echo", "live"),
    "echo:$LATEST": ("echo", "$LATEST"),
    ARN: ("echo", None),
    f"{ARN}:7": ("echo", "7"),
    f"{ARN}:$LATEST": ("echo", "$LATEST"),
    "123456789012:function:echo": ("echo", None),
    "123456789012:function:echo:live": ("echo", "live"),
    "us-east-1:123456789012:function:echo": ("echo", None),
    "function:echo": ("echo", None),
    "function": ("function", None),
    URI.format(ARN): ("echo", None),
    URI.format(f"{ARN}:live"): ("echo", "live"),
}


@rows("reference", REFERENCES)
def test_a_reference_has_a_name_and_may_have_a_qualifier(reference: str) -> None:
    assert qualified(reference) == REFERENCES[reference]


def test_a_functions_arn_is_of_its_partition() -> None:
    place, arn = Place("1", "cn-north-1"), "arn:aws-cn:lambda:cn-north-1:1:function:echo"
    assert (arn_of("echo", place), arn_of(f"{ARN}:live", place)) == (arn, f"{arn}:live")


def test_a_function_is_invoked_by_each_of_its_names_and_knows_by_which(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as functions:
            functions.add(function(tmp_path, SOURCE))
            provider = VersionProvider(functions)
            version = await create(provider, "Version", FunctionName="echo")
            number = version.attributes["Version"]
            alias = await create(
                provider, "Alias", FunctionName="echo", FunctionVersion=number, Name="live"
            )
            assert (version.ref, alias.ref) == (f"{ARN}:{number}", f"{ARN}:live")
            assert functions.version("echo:live") == functions.version(version.ref) == number
            assert functions.version("echo") == "$LATEST"
            for named, arn in ((alias.ref, alias.ref), (URI.format(version.ref), version.ref)):
                result = await functions.invoke(named, b"{}")
                assert json.loads(result.payload) == arn
            with pytest.raises(EmulatorError, match="no function 'echo:other'"):
                await functions.invoke("echo:other", b"{}")

    asyncio.run(main())


async def create(provider: VersionProvider, kind: str, **properties: Any) -> Created:
    resource = Resource("Stack", kind, f"AWS::Lambda::{kind}", properties)
    return await provider.create(resource, properties)


def test_an_alias_of_no_version_or_of_two_is_rejected(tmp_path: Path) -> None:
    async def main(**properties: Any) -> None:
        async with running(tmp_path) as functions:
            functions.add(function(tmp_path, SOURCE))
            provider = VersionProvider(functions)
            await create(provider, "Version", FunctionName="echo")
            await create(provider, "Alias", FunctionName="echo", Name="live", **properties)

    with pytest.raises(EmulatorError, match="no function 'echo:9'"):
        asyncio.run(main(FunctionVersion="9"))
    weights = {"AdditionalVersionWeights": [{"FunctionVersion": "2", "FunctionWeight": 0.1}]}
    with pytest.raises(EmulatorError, match="divides requests"):
        asyncio.run(main(FunctionVersion="1", RoutingConfig=weights))
