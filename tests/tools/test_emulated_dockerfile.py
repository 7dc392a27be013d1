"""The container's Dockerfile is one that the emulator can run."""

from __future__ import annotations

from pathlib import Path

from emulator.containers import image

DOCKERFILE = Path(__file__).parents[2] / "lambdas" / "Dockerfile"


def test_the_projects_own_dockerfile_is_understood() -> None:
    read = image.read_dockerfile(DOCKERFILE.read_text())
    assert read.command[0] == "python"
    assert read.copies == ((".", read.workdir / "lambdas"),)
