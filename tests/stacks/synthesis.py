"""An environment's templates, synthesized in this process without the functions' packages."""

import json
from functools import cache
from pathlib import Path

import jsii._type_checking
import pytest
from aws_cdk import App, Stage
from aws_cdk.cx_api import CloudFormationStackArtifact

from app import NO_STACK_TRACES
from stacks.build import bundle
from stacks.build.packages import Platform
from stacks.config.environments import Environment
from stacks.network import NetworkStack
from stacks.stage import EnvironmentStage
from tests.stacks.synthesized import Synthesized, stack_id

ROOT = Path(__file__).parents[2]
# jsii checks the type of each argument when a construct is made, which is a tenth of a synthesis; mypy
# has checked them.
jsii._type_checking._resolved_check = lambda **_: None
_read_bundle_hash = bundle.bundle_hash


def flags() -> dict[str, object]:
    """The context of cdk.json, and neither bundling nor copies of assets: no test here needs the
    functions' packages."""
    context: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    without = {"aws:cdk:bundling-stacks": [], "aws:cdk:disable-asset-staging": True}
    return {**context, **NO_STACK_TRACES, **without}


@cache
def _bundle_hash(platform: Platform, *, page: bool = False) -> str:
    """Read once: no source changes while the templates of a session are made."""
    return _read_bundle_hash(platform, page=page)


def network(config: Environment, out: Path) -> Synthesized:
    """The network's stack alone, without the exports that other stacks ask for. In a stage, as the
    synthesis of an App validates the templates as well, which takes far longer than to make them."""
    stage = Stage(_app(out), config.name)
    stack = NetworkStack(stage, "Network", config=config)
    template = stage.synth().get_stack_artifact(stack.artifact_id).template
    return Synthesized({"Network": template}, {"Network": set()}, [])


def _app(out: Path) -> App:
    """Without tree.json, which no test reads, and stack traces, as in app.py."""
    return App(context=flags(), outdir=str(out), stack_traces=False, tree_metadata=False)


def synthesized(config: Environment, out: Path) -> Synthesized:
    app = _app(out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "bundle_hash", _bundle_hash)
        assembly = EnvironmentStage(app, config).synth()
    return Synthesized(
        {
            # from its file: through jsii each value of it would pass between two processes
            stack_id(artifact.stack_name): json.loads(Path(artifact.template_full_path).read_text())
            for artifact in assembly.stacks
        },
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
