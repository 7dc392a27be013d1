"""The code asset of the functions: lambdas/ and its Python packages.

All functions share one. The function that serves the web client's page has another, with the page.
"""

import fnmatch
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from stacks.build import packages
from stacks.build.packages import Platform

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "lambdas"
REQUIREMENTS = SOURCES / "requirements.txt"
CACHE = ROOT / ".local" / "cache" / "packages"
# for the container image, for developers, or compiled: no function reads them
NOT_SHIPPED = ("__pycache__", "*.pyc", ".*", "Dockerfile", "requirements*.txt")
PAGE = "page"  # the folder of lambdas/ into which `make page` builds the page


def function_code(platform: Platform, *, page: bool = False) -> lambda_.Code:
    """The asset; it is built only when something in it changed, and never with Docker.

    With `page` it has the page as well, if one was built.

    CDK builds an asset when its output folder has none of the same hash; the hash covers the
    sources, the requirements, the platform and the code that builds.
    """
    return lambda_.Code.from_asset(
        str(SOURCES),
        asset_hash=bundle_hash(platform, page=page),
        asset_hash_type=AssetHashType.CUSTOM,
        exclude=list(NOT_SHIPPED),
        bundling=BundlingOptions(
            image=DockerImage.from_registry("never-used"),  # a required argument; never pulled
            local=_LocalBundling(platform, page=page),
        ),
    )


def bundle_hash(platform: Platform, *, page: bool = False) -> str:
    digest = sha256(platform.name.encode())
    builders = (Path(__file__), Path(packages.__file__), REQUIREMENTS)
    for name, path in [*_shipped(page=page), *((path.name, path) for path in builders)]:
        content = path.read_bytes()
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def build(platform: Platform, output: Path, *, page: bool = False) -> None:
    shutil.copytree(packages.installed(REQUIREMENTS, platform, CACHE), output, dirs_exist_ok=True)
    for name, path in _shipped(page=page):
        target = output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _shipped(*, page: bool) -> Iterator[tuple[str, Path]]:
    """The files of lambdas/ that functions need, by their names in the bundle, sorted."""
    for path in sorted(SOURCES.rglob("*")):
        parts = path.relative_to(SOURCES).parts
        hidden = any(fnmatch.fnmatch(part, each) for part in parts for each in NOT_SHIPPED)
        if path.is_file() and not hidden and (page or parts[0] != PAGE):
            yield "/".join((SOURCES.name, *parts)), path


@jsii.implements(ILocalBundling)
class _LocalBundling:
    def __init__(self, platform: Platform, *, page: bool) -> None:
        self._platform = platform
        self._page = page

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        # Errors are raised as they are: on False CDK would bundle in Docker.
        build(self._platform, Path(output_dir), page=self._page)
        return True
