"""Creates every resource of a stage with the provider for its type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from emulator.providers import Created, EmulatorError, Provider, Resource
from emulator.template.ignored import IGNORED, named
from emulator.template.stage import Stage

_CUSTOM = "AWS::CloudFormation::CustomResource"


class Registry:
    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers: Mapping[str, Provider] = {
            each: provider for provider in providers for each in provider.types
        }

    def check(self, resources: Iterable[Resource]) -> None:
        """Raises EmulatorError naming every resource of a type that nobody makes or ignores."""
        unknown = [
            resource
            for resource in resources
            if self._provider(resource) is None and resource.type not in IGNORED
        ]
        if unknown:
            raise EmulatorError(
                "the emulator does not know what these are: "
                + "; ".join(str(resource) for resource in unknown)
                + ". Write a provider for the type, or add it to emulator/template/ignored.py with "
                "the reason why it has no local meaning"
            )

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
            return await provider.create(resource, properties)
        except KeyError as error:
            raise EmulatorError(f"{resource} has no property {error}") from error
        except (BotoCoreError, ClientError) as error:
            raise EmulatorError(f"{resource}: {error}") from error

    def _provider(self, resource: Resource) -> Provider | None:
        kind = _CUSTOM if resource.type.startswith("Custom::") else resource.type
        return self._providers.get(kind)
