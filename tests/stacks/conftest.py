"""Templates of the environments, synthesized without a process of their own, once a session."""

import hashlib
import json
import os
import pickle
from functools import cache
from pathlib import Path

import pytest

from app import NO_STACK_TRACES
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
    return {**context, **NO_STACK_TRACES, "aws:cdk:bundling-stacks": []}


def synthesized(config: Environment, out: Path) -> Synthesized:
    """Without tree.json, which no test reads, and stack traces, as in app.py."""
    app = App(context=flags(), outdir=str(out), stack_traces=False, tree_metadata=False)
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


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker of pytest-xdist synthesizes, so that no two make the same templates at the same
    time, and only one has the slow first ones of a Node.js process that has just started. A large
    group is handed out first. The groups `changes` and `checks` stay as they are."""
    for item in items:
        synthesizes = "synthesize" in getattr(item, "fixturenames", ())
        if synthesizes and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("synthesis"))


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Each configuration once: what one worker of pytest-xdist has synthesized, all others read."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "synthesized"
    shared.mkdir(exist_ok=True)

    @cache
    def of(config: Environment) -> Synthesized:
        kept = shared / hashlib.sha256(repr(config).encode()).hexdigest()
        if kept.exists():
            found: Synthesized = pickle.loads(kept.read_bytes())
            return found
        out = tmp_path_factory.mktemp("cdk")
        made = synthesized(config, out)
        (out / "pickled").write_bytes(pickle.dumps(made))
        (out / "pickled").rename(kept)  # never half of it
        return made

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
