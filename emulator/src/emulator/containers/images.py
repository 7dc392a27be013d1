"""Container images, laid out once each, and how a task is started from one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from emulator import allocation
from emulator.containers import image
from emulator.containers.image import Image
from emulator.containers.model import TaskDefinition
from emulator.containers.task import Launch
from emulator.providers import EmulatorError


class Images:
    """`container_asset` gives the build context of an image URI; `environment` adapts a task's
    variables to the laptop; images are laid out in `directory`."""

    def __init__(
        self,
        container_asset: Callable[[str], Path],
        environment: Callable[[Mapping[str, str]], dict[str, str]],
        directory: Path,
    ) -> None:
        self._asset = container_asset
        self._environment = environment
        self._directory = directory
        self._images: dict[str, Image] = {}

    def lay_out(self, uri: str) -> None:
        """Lays out the image, unless that is done. Raises EmulatorError for an image that can't be
        run."""
        if uri in self._images:
            return
        context = self._asset(uri)
        dockerfile = context / "Dockerfile"
        if not dockerfile.is_file():
            raise EmulatorError(f"{context} has no Dockerfile")
        self._images[uri] = image.read_dockerfile(dockerfile.read_text(encoding="utf-8"))
        image.lay_out(self._images[uri], context, self._root(uri))

    def overlay(self, uri: str, sources: Path, changed: list[Path]) -> bool:
        """Takes saved files over; whether the image holds `sources`."""
        return image.overlay(self._images[uri], sources, changed, self._root(uri))

    def launch(self, task: TaskDefinition) -> Launch:
        placed = self._images[task.image]
        return Launch(
            command=task.command or placed.command,
            environment={
                **allocation.ENVIRONMENT,
                "HOME": str(self._root(task.image)),
                "LANG": "C.UTF-8",
                "PATH": os.defpath,
                **placed.environment,
                **self._environment(task.environment),
            },
            directory=image.inside(self._root(task.image), placed.workdir),
            pod=task.pod,
        )

    def _root(self, uri: str) -> Path:
        return self._directory / f"image-{uri.rpartition(':')[2][:12]}"
