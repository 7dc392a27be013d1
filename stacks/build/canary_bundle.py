"""The code asset of the canary: the Python client, the doctor, and the packages that they need."""

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from stacks.build import packages
from stacks.build.bundle import CACHE, ROOT
from stacks.build.packages import Platform

TOOLS = ROOT / "tools"
REQUIREMENTS = TOOLS / "canary-requirements.txt"
CLIENT = ROOT / "client"
# for people, on terminals
TERMINAL = (CLIENT / "cli", CLIENT / "__main__.py")


def canary_code(platform: Platform) -> lambda_.Code:
    """Built only when something in it changed, and never with Docker."""
    return lambda_.Code.from_asset(
        str(TOOLS),
        asset_hash=bundle_hash(platform),
        asset_hash_type=AssetHashType.CUSTOM,
        bundling=BundlingOptions(
            image=DockerImage.from_registry("never-used"),  # required by CDK; it is never pulled
            local=_LocalBundling(platform),
        ),
    )


def bundle_hash(platform: Platform) -> str:
    digest = sha256(platform.name.encode())
    for path in (*sources(), Path(__file__), Path(packages.__file__), REQUIREMENTS):
        content = path.read_bytes()
        digest.update(f"\0{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def sources() -> Iterator[Path]:
    yield from (TOOLS / "canary.py", TOOLS / "doctor.py")
    for path in sorted(CLIENT.rglob("*.py")):
        if not any(path.is_relative_to(each) for each in TERMINAL):
            yield path


def build(platform: Platform, output: Path) -> None:
    shutil.copytree(packages.installed(REQUIREMENTS, platform, CACHE), output, dirs_exist_ok=True)
    for path in sources():
        target = output / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


@jsii.implements(ILocalBundling)
class _LocalBundling:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        # Errors are raised as they are: on False CDK would bundle in Docker.
        build(self._platform, Path(output_dir))
        return True
