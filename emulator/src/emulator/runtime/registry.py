"""The registry of providers: creates every resource of a stage with the one for its type."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from emulator.providers import Created, EmulatorError, Provider, Resource
from emulator.template.ignored import IGNORED, named
from emulator.template.intrinsics import REFERENCE_START
from emulator.template.properties import unsupported
from emulator.template.stage import Stage

# docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
_REFERENCE = re.compile(rf"{re.escape(REFERENCE_START)}(.+?):SecretString:*}}}}")
_CUSTOM = "AWS::CloudFormation::CustomResource"


class Registry:
    def __init__(
        self,
        providers: Iterable[Provider],
        secret: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        """`secret` gives the value of a secret, for references to it."""
        self._secret = secret
        self._providers: Mapping[str, Provider] = {
            each: provider for provider in providers for each in provider.types
        }

    def check(self, resources: Iterable[Resource]) -> None:
        """Raises EmulatorError naming every resource of a type that nobody makes or ignores, and
        every property that is not supported, as far as its value is in the template."""
        given = list(resources)
        unknown = [
            str(resource)
            for resource in given
            if self._provider(resource) is None and resource.type not in IGNORED
        ]
        lines = [
            line
            for resource in given
            if self._provider(resource) is not None
            for line in unsupported(resource, resource.properties)
        ]
        if unknown:
            lines.append(
                f"the emulator does not know what these are: {'; '.join(unknown)}. Write a "
                "provider for the type, or add it to emulator/template/ignored.py with "
                "the reason why it has no local meaning"
            )
        if lines:
            raise EmulatorError("\n".join(lines))

    async def create_all(self, stage: Stage) -> int:
        """Creates the stage's resources, each after what it refers to; gives how many were."""
        resources = stage.resources()
        self.check(resources)
        made = 0
        for resource in resources:
            provider = self._provider(resource)
            if provider is None:
                place = stage.place
                stage.record(resource, named(resource, place.region, place.account))
                continue
            stage.record(resource, await self._create(provider, resource, stage))
            made += 1
        return made

    async def _create(self, provider: Provider, resource: Resource, stage: Stage) -> Created:
        properties = stage.properties(resource)
        try:
            properties = await self._with_secrets(properties)
            if lines := unsupported(resource, properties):
                raise EmulatorError("\n".join(lines))
            return await provider.create(resource, properties)
        except KeyError as error:
            raise EmulatorError(f"{resource} has no property {error}") from error
        except (BotoCoreError, ClientError) as error:
            raise EmulatorError(f"{resource}: {error}") from error

    async def _with_secrets(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: await self._with_secrets(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [await self._with_secrets(inner) for inner in value]
        if not isinstance(value, str) or REFERENCE_START not in value:
            return value
        whole = _REFERENCE.fullmatch(value)
        if whole is None or self._secret is None:
            raise EmulatorError(f"only a whole secret can be referred to, not {value!r}")
        return await self._secret(whole[1])

    def _provider(self, resource: Resource) -> Provider | None:
        kind = _CUSTOM if resource.type.startswith("Custom::") else resource.type
        return self._providers.get(kind)
