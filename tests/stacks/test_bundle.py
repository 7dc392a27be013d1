"""The functions' code asset: its content, and when it is built. No package index is used."""

from pathlib import Path
from types import ModuleType

import pytest

from stacks.build import packages
from stacks.build.packages import InstallError, Platform, installed, on_lambda, on_this_machine

# what imports the CDK does so late, and in the worker that synthesizes
pytestmark = pytest.mark.xdist_group("synthesis")

ARM = on_lambda("arm64")


@pytest.fixture
def bundle() -> ModuleType:
    from stacks.build import bundle

    return bundle


@pytest.fixture
def sources(tmp_path: Path, bundle: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lambdas/ of a few files, and a cache that has its packages already."""
    files = {
        "__init__.py": "",
        "messages/send.py": "def handler(event, context): ...",
        "protocol/client/send.json": "{}",
        "requirements.txt": "one==1 --hash=sha256:0\n",
        "requirements-container.txt": "one==1\n",
        "Dockerfile": "FROM scratch\n",
        ".dockerignore": "x\n",
        "__pycache__/send.cpython-313.pyc": "x",
        "page/files.json": "{}",
        "page/assets/index-a1.js": "x",
    }
    folder = tmp_path / "lambdas"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(bundle, "SOURCES", folder)
    monkeypatch.setattr(bundle, "REQUIREMENTS", folder / "requirements.txt")
    monkeypatch.setattr(bundle, "CACHE", tmp_path / "cache")
    return folder


SHARED = {
    "lambdas/__init__.py",
    "lambdas/messages/send.py",
    "lambdas/protocol/client/send.json",
    "one/__init__.py",
}


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def preinstall(sources: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Puts a stand-in for pip; returns the list of its runs."""
    runs: list[Path] = []

    def pip(requirements: Path, platform: Platform, target: Path) -> None:
        runs.append(requirements)
        for name in ("one/__init__.py", "one/one.pyi", "one-1.dist-info/RECORD", "bin/one"):
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")

    monkeypatch.setattr(packages, "_pip_install", pip)
    return runs


def test_the_bundle_holds_the_sources_their_packages_and_nothing_of_a_developer(
    sources: Path, bundle: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preinstall(sources, monkeypatch)
    bundle.build(ARM, tmp_path / "out")
    assert files_of(tmp_path / "out") == SHARED


def test_the_bundle_with_the_page_has_that_as_well(
    sources: Path, bundle: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preinstall(sources, monkeypatch)
    bundle.build(ARM, tmp_path / "out", page=True)
    page = {"lambdas/page/files.json", "lambdas/page/assets/index-a1.js"}
    assert files_of(tmp_path / "out") == SHARED | page


def test_another_page_changes_the_bundle_that_has_it_and_no_other(
    sources: Path, bundle: ModuleType
) -> None:
    with_page, shared = bundle.bundle_hash(ARM, page=True), bundle.bundle_hash(ARM)
    (sources / "page" / "assets" / "index-a1.js").write_text("changed")
    assert bundle.bundle_hash(ARM) == shared
    assert bundle.bundle_hash(ARM, page=True) != with_page


def test_packages_are_installed_once_for_any_number_of_output_folders(
    sources: Path, bundle: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = preinstall(sources, monkeypatch)
    bundle.build(ARM, tmp_path / "one")
    (sources / "messages" / "send.py").write_text("changed")
    bundle.build(ARM, tmp_path / "two")
    assert len(runs) == 1
    (sources / "requirements.txt").write_text("two==2")
    bundle.build(ARM, tmp_path / "three")
    bundle.build(on_lambda("x86_64"), tmp_path / "four")
    assert len(runs) == 3


def test_the_hash_changes_with_what_is_in_the_bundle_and_with_nothing_else(
    sources: Path, bundle: ModuleType
) -> None:
    before = bundle.bundle_hash(ARM)
    assert before == bundle.bundle_hash(ARM)
    assert before != bundle.bundle_hash(on_lambda("x86_64"))
    assert before != bundle.bundle_hash(on_this_machine())

    (sources / "Dockerfile").write_text("FROM elsewhere")
    (sources / "__pycache__" / "more.pyc").write_text("x")
    assert bundle.bundle_hash(ARM) == before

    (sources / "requirements.txt").write_text("two==2")
    after = bundle.bundle_hash(ARM)
    assert after != before
    (sources / "messages" / "send.py").rename(sources / "messages" / "sent.py")
    assert bundle.bundle_hash(ARM) != after


def test_packages_for_lambda_are_asked_for_by_python_and_by_every_tag_that_runs_there() -> None:
    arguments = " ".join(ARM.arguments)
    assert "--python-version 3.13" in arguments
    assert "--platform manylinux2014_aarch64" in arguments
    assert "--platform manylinux_2_34_aarch64" in arguments
    assert "x86_64" not in arguments
    assert on_this_machine().arguments == ()


@pytest.mark.slow
def test_a_failed_installation_quotes_pip_and_leaves_nothing(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("not a requirement\n")
    with pytest.raises(InstallError, match=r"pip could not install .*requirements\.txt for python"):
        installed(requirements, ARM, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
