"""An image read from its Dockerfile: how it is run, and its files, laid out without Docker.

Only what a process needs is read: the last stage's WORKDIR, ENV, COPY from the build context,
ENTRYPOINT and CMD in exec form. RUN, and COPY from other stages, make the packages; here these are
the ones this interpreter has.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from emulator.providers import EmulatorError

_IGNORED = frozenset(
    {
        "ARG",
        "EXPOSE",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
    }
)
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", "Dockerfile")


@dataclass(frozen=True)
class Image:
    """`copies` maps destinations, absolute in the image, to paths in the build context."""

    command: tuple[str, ...]
    workdir: PurePosixPath
    environment: Mapping[str, str]
    copies: tuple[tuple[str, PurePosixPath], ...]


def read_dockerfile(text: str) -> Image:
    """The image of the last stage. Raises EmulatorError for a command in shell form, which would
    put a shell between the process and its SIGTERM."""
    workdir = PurePosixPath("/")
    environment: dict[str, str] = {}
    copies: list[tuple[str, PurePosixPath]] = []
    entrypoint: list[str] = []
    command: list[str] = []
    for word, rest in _instructions(text):
        match word:
            case "FROM":
                workdir, environment, copies = PurePosixPath("/"), {}, []
                entrypoint, command = [], []
            case "WORKDIR":
                workdir = workdir / rest
            case "ENV":
                environment |= _environment(rest)
            case "COPY" | "ADD":
                copies += _copies(rest, workdir)
            case "ENTRYPOINT":
                entrypoint, command = _exec_form(word, rest), []
            case "CMD":
                command = _exec_form(word, rest)
            case _ if word not in _IGNORED:
                raise EmulatorError(f"Dockerfile: the instruction {word} is not known locally")
    if not entrypoint + command:
        raise EmulatorError("Dockerfile: its last stage has neither CMD nor ENTRYPOINT")
    return Image(tuple(entrypoint + command), workdir, environment, tuple(copies))


def lay_out(image: Image, context: Path, root: Path) -> None:
    """Makes `root` hold what the image copies out of its build context, and nothing else."""
    if root.exists():
        shutil.rmtree(root)
    for source, destination in image.copies:
        origin, target = context / source, inside(root, destination)
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=_NOT_COPIED, dirs_exist_ok=True)
        elif origin.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, target)
        else:
            raise EmulatorError(f"Dockerfile: COPY {source}: no such file in {context}")
    inside(root, image.workdir).mkdir(parents=True, exist_ok=True)


def overlay(image: Image, sources: Path, changed: Iterable[Path], root: Path) -> bool:
    """Takes changed files under `sources` over into the copy of a folder of that name; whether
    there was one."""
    found = False
    for source, destination in image.copies:
        if PurePosixPath(source) != PurePosixPath(".") or destination.name != sources.name:
            continue
        found = True
        for path in changed:
            target = inside(root, destination) / path.relative_to(sources)
            # Byte code is matched to its source by whole seconds and size, which two saves in a
            # row can share.
            for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
                stale.unlink(missing_ok=True)
            if path.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
            elif not path.exists():
                target.unlink(missing_ok=True)
    return found


def inside(root: Path, path: PurePosixPath) -> Path:
    """The place under `root` of an absolute path of the image."""
    return root.joinpath(*path.parts[1:])


def _instructions(text: str) -> Iterable[tuple[str, str]]:
    # Not by `splitlines`: Unicode's other separators end no line of a Dockerfile.
    lines = [line for line in re.split(r"\r?\n", text) if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(lines))
    for line in joined.split("\n"):
        word, _, rest = line.strip().partition(" ")
        if word:
            yield word.upper(), rest.strip()


def _environment(rest: str) -> dict[str, str]:
    """`NAME=value NAME="a value"`, or the old form `NAME value`."""
    words = shlex.split(rest)
    if "=" not in words[0]:
        return {words[0]: " ".join(words[1:])}
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _copies(rest: str, workdir: PurePosixPath) -> list[tuple[str, PurePosixPath]]:
    words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
    flags = [word for word in words if word.startswith("--")]
    if any(flag.startswith("--from") for flag in flags):
        return []
    *sources, destination = [word for word in words if not word.startswith("--")]
    target = workdir / destination
    if len(sources) == 1 and not destination.endswith("/") and destination != ".":
        return [(sources[0], target)]
    # into a folder: a file under its name, a folder's content as it is
    return [
        (source, target if source.endswith("/") or source == "." else target / Path(source).name)
        for source in sources
    ]


def _exec_form(word: str, rest: str) -> list[str]:
    try:
        command = json.loads(rest)
    except ValueError:
        command = None
    if not isinstance(command, list) or not all(isinstance(part, str) for part in command):
        raise EmulatorError(
            f'Dockerfile: write {word} in exec form, as {word} ["python", "-m", "module"]'
        )
    return command
