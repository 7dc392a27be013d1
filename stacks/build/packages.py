"""The functions' Python packages, installed for their platform into a cache."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

LAMBDA_PYTHON = "3.13"
# Lambda's python3.13 runs on Amazon Linux 2023: glibc 2.34, compatible with all these tags.
_GLIBC_TAGS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Files that differ between machines: scripts name this machine's interpreter, and records list the
# scripts.
_LEFT_OUT = ("bin", "Scripts", "__pycache__", "*.pyc", "*.pyi", "RECORD", "INSTALLER", "REQUESTED")


class InstallError(RuntimeError):
    """pip could not install the packages; the message starts with OPENING and quotes pip."""

    OPENING = "pip could not install"


@dataclass(frozen=True)
class Platform:
    """Where packages will run: `name` is part of the asset's hash, `arguments` go to pip."""

    name: str
    arguments: tuple[str, ...]


def on_lambda(architecture: str) -> Platform:
    """AWS Lambda's Python on "arm64" or "x86_64", whatever machine this is."""
    machine = _MACHINES[architecture]
    tags = (word for tag in _GLIBC_TAGS for word in ("--platform", f"{tag}_{machine}"))
    python = ("--implementation", "cp", "--python-version", LAMBDA_PYTHON)
    return Platform(f"python{LAMBDA_PYTHON}-{machine}", (*tags, *python))


def on_this_machine() -> Platform:
    """The interpreter that is running."""
    return Platform(f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}", ())


def installed(requirements: Path, platform: Platform, cache: Path) -> Path:
    """The folder under `cache` with exactly those packages; runs pip only where it is not there.

    Raises InstallError with the last lines that pip printed.
    """
    key = sha256(requirements.read_bytes() + "\0".join(platform.arguments).encode()).hexdigest()
    folder = cache / f"{platform.name}-{key[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".installing-") as scratch:
        fresh = Path(scratch) / "all"
        _pip_install(requirements, platform, fresh)
        kept = Path(scratch) / "kept"
        shutil.copytree(fresh, kept, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        try:
            os.replace(kept, folder)  # noqa: PTH105 - atomic: a second process changes nothing
        except OSError:
            if not folder.is_dir():
                raise
    return folder


def _pip_install(requirements: Path, platform: Platform, target: Path) -> None:
    command: Sequence[str] = (
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-compile", "--no-deps", "--only-binary=:all:", "--require-hashes"),
        *platform.arguments,
        *("--target", str(target), "--requirement", str(requirements)),
    )
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode:
        reason = "\n".join(run.stderr.strip().splitlines()[-2:])
        raise InstallError(
            f"{InstallError.OPENING} {requirements} for {platform.name}. It printed: {reason}"
        )
