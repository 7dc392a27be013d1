"""Templates of the environments, synthesized in this process and once a session."""

import json
from functools import cache
from pathlib import Path

import pytest

from stacks.build.node import use_packaged_node

use_packaged_node()  # before any test module imports a stack, and with it aws_cdk

from aws_cdk import App  # noqa: E402
from aws_cdk.cx_api import CloudFormationStackArtifact  # noqa: E402

from stacks.config.environments import DEV, PROD, STAGING, Environment  # noqa: E402
from stacks.stage import EnvironmentStage  # noqa: E402
from tests.stacks.synthesized import Synthesize, Synthesized, stack_id  # noqa: E402

ROOT = Path(__file__).parents[2]


def flags() -> dict[str, object]:
    """The context of cdk.json, and no bundling: no test here needs the functions' packages."""
    context: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**context, "aws:cdk:bundling-stacks": []}


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    @cache
    def of(config: Environment) -> Synthesized:
        app = App(context=flags(), outdir=str(tmp_path_factory.mktemp("cdk")))
        assembly = EnvironmentStage(app, config).synth()
        return Synthesized(
            {stack_id(artifact.stack_name): artifact.template for artifact in assembly.stacks},
            {
                stack_id(artifact.stack_name): {
                    stack_id(other.stack_name)
                    for other in artifact.dependencies
                    if isinstance(other, CloudFormationStackArtifact)
                }
                for artifact in assembly.stacks
            },
            [
                image["source"]["platform"]
                for file in sorted(Path(assembly.directory).glob("*.assets.json"))
                for image in json.loads(file.read_text()).get("dockerImages", {}).values()
            ],
        )

    return of


@pytest.fixture(scope="session")
def dev(synthesize: Synthesize) -> Synthesized:
    return synthesize(DEV)


@pytest.fixture(scope="session")
def staging(synthesize: Synthesize) -> Synthesized:
    return synthesize(STAGING)


@pytest.fixture(scope="session")
def prod(synthesize: Synthesize) -> Synthesized:
    return synthesize(PROD)
