"""The container's image is built on any machine for any other, from a base that is named exactly."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from stacks.build import packages
from stacks.build.base_image import DOCKERFILE, with_digest
from stacks.config.environments import DEV, Environment
from tests.stacks.shared_environments import CHANGED_DEV
from tests.stacks.synthesized import Synthesize

TEXT = DOCKERFILE.read_text()
TAG = "public.ecr.aws/docker/library/python:3.13.14-slim-bookworm"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"


@dataclass
class Stage:
    """`image` and `platform` are what FROM says."""

    image: str
    platform: str | None
    instructions: list[str] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        return [each for each in self.instructions if each.split(maxsplit=1)[0] == word]


def stages(text: str) -> Iterator[Stage]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    stage: Stage | None = None
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        if line.startswith("FROM "):
            if stage:
                yield stage
            words = line.split()[1:]
            platform = words.pop(0) if words[0].startswith("--platform=") else None
            stage = Stage(words[0], platform)
        elif stage and line.strip():
            stage.instructions.append(line)
    assert stage
    yield stage


def test_what_runs_at_the_build_runs_on_the_machine_that_builds() -> None:
    """A RUN in a stage of the other architecture needs emulation, which many machines lack."""
    *earlier, last = stages(TEXT)
    assert earlier
    for stage in earlier:
        if stage.all("RUN"):
            assert stage.platform == "--platform=$BUILDPLATFORM"
    assert last.platform is None
    assert not last.all("RUN")


def test_wheels_are_those_of_the_machine_that_the_image_is_for() -> None:
    """The same choice as the functions' packages, by the names that Docker has for machines."""
    (stage,) = (each for each in stages(TEXT) if each.all("RUN"))
    assert stage.all("ARG") == ["ARG TARGETARCH"]
    (run,) = stage.all("RUN")
    machines = dict(re.findall(r"(\w+)\) machine=(\w+)", run))
    assert machines == {"arm64": "aarch64", "amd64": "x86_64"}
    for target, architecture in (("arm64", "arm64"), ("amd64", "x86_64")):
        options = run.replace("$machine", machines[target]).split()
        arguments = packages.on_lambda(architecture).arguments
        for option, value in zip(arguments[::2], arguments[1::2], strict=True):
            assert (option, value) in pairwise(options)
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps"} <= set(run.split())


def test_the_base_is_aws_s_mirror_at_an_exact_version_the_same_in_every_stage() -> None:
    (base,) = re.findall(r"^ARG BASE=(.+)$", TEXT, re.MULTILINE)
    assert re.fullmatch(
        r"public\.ecr\.aws/docker/library/python:\d+\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?",
        base,
    )
    assert {stage.image for stage in stages(TEXT)} == {"${BASE}"}
    minor = base.partition(":")[2].rpartition(".")[0]
    assert minor == packages.LAMBDA_PYTHON
    *_, last = stages(TEXT)
    (copied,) = (each for each in last.all("COPY") if "--from" in each)
    assert copied.endswith(f"/usr/local/lib/python{minor}/site-packages")


@pytest.mark.parametrize(
    ("config", "architecture", "platform"),
    [(DEV, "ARM64", "linux/arm64"), (CHANGED_DEV, "X86_64", "linux/amd64")],
    ids=["arm64", "x86_64"],
)
def test_the_image_is_built_for_the_architecture_of_its_tasks(
    synthesize: Synthesize, config: Environment, architecture: str, platform: str
) -> None:
    environment = synthesize(config)
    assert environment.image_platforms == [platform]
    task = environment.one("AWS::ECS::TaskDefinition").properties
    assert task["RuntimePlatform"]["CpuArchitecture"] == architecture


@pytest.mark.parametrize("before", [TAG, f"{TAG}@sha256:{'f' * 64}"])
def test_the_digest_is_the_one_that_the_registry_has_for_the_tag(before: str) -> None:
    asked: list[Sequence[str]] = []

    def registry(command: Sequence[str]) -> str:
        asked.append(command)
        return f"{DIGEST}\n"

    pinned, image = with_digest(f"# x\nARG BASE={before}\n\nFROM ${{BASE}}\n", registry)
    assert image == f"{TAG}@{DIGEST}"
    assert pinned == f"# x\nARG BASE={image}\n\nFROM ${{BASE}}\n"
    assert [command[-1] for command in asked] == [TAG]
    assert with_digest(pinned, registry) == (pinned, image)


@pytest.mark.parametrize("output", ["", "3.13", "sha256:12", f"{DIGEST} and more"])
def test_what_is_not_a_digest_is_not_written(output: str) -> None:
    with pytest.raises(SystemExit, match="Nothing was changed"):
        with_digest(TEXT, lambda _command: output)


def test_a_dockerfile_without_a_base_is_an_error() -> None:
    with pytest.raises(SystemExit, match="no line ARG BASE="):
        with_digest("FROM x\n", lambda _command: DIGEST)
