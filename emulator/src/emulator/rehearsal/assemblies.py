"""The two cloud assemblies of a rehearsal: of the working tree, and of a git revision.

Functions' packages are not bundled: what is compared is templates, and the hash of a bundle covers
its sources and requirements whether or not it is built.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from emulator.providers import EmulatorError
from emulator.rehearsal.findings import Finding, Kind
from emulator.template.assembly import Assembly, load


def of_working_tree(project: Path, state: Path, env: str, context: Mapping[str, str]) -> Assembly:
    """Raises EmulatorError with what app.py printed."""
    directory = state / f"to-{env}-{_digest(context)}"
    _synthesize(project, directory, env, context)
    return load(directory)


def of_revision(
    project: Path, state: Path, revision: str, env: str, context: Mapping[str, str]
) -> Assembly:
    """`revision` is a commit's whole hash: what was synthesized of it once is used again."""
    source = state / f"source-{revision[:12]}"
    directory = state / f"from-{revision[:12]}-{env}-{_digest(context)}"
    if not (directory / "manifest.json").is_file():
        _unpack(project, revision, source)
        _synthesize(source, directory, env, context)
    return load(directory)


def other_versions(project: Path, state: Path, revision: str) -> Iterator[Finding]:
    """The packages that the revision's templates were made with when it was deployed, and not here:
    a synthesis runs with what is installed now."""
    then, now = _pinned(state / f"source-{revision[:12]}"), _pinned(project)
    for package in ("aws-cdk-lib", "constructs"):
        if then.get(package) and now.get(package) and then[package] != now[package]:
            yield Finding(
                Kind.NOTE,
                "",
                package,
                f"{revision[:12]} pins {then[package]}, and its templates were made with what is "
                "installed now: what the upgrade itself changes is not seen",
                "See it by make diff",
            )


def commit_of(project: Path, reference: str) -> str:
    """The hash of the commit that a git reference stands for."""
    try:
        found = _git(project, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    except EmulatorError:
        raise EmulatorError(f"there is no {reference} in the repository of {project}") from None
    return found.decode().strip()


def _synthesize(project: Path, out: Path, env: str, context: Mapping[str, str]) -> None:
    given = {"aws:cdk:bundling-stacks": [], **context, "env": env}
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "CDK_OUTDIR": str(out),
        "CDK_VALIDATION": "false",
        "CDK_CONTEXT_JSON": json.dumps(given),
    }
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        output = "\n".join(done.stderr.strip().split("\n")[-8:])
        raise EmulatorError(f"app.py in {project} gives no templates of {env}:\n{output}")


def _unpack(project: Path, revision: str, target: Path) -> None:
    """The revision's files beside the project's own: neither the work tree nor the index is
    touched."""
    packed = _git(project, "archive", "--format=tar", revision)
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(target, filter="data")


def _pinned(project: Path) -> dict[str, str]:
    """Package -> its version in requirements.txt."""
    file = project / "requirements.txt"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE))


def _git(project: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(project), *arguments], capture_output=True, check=False
        )
    except FileNotFoundError:
        raise EmulatorError("comparing with a revision takes git, which is not installed") from None
    if done.returncode:
        output = done.stderr.decode(errors="replace").strip()
        raise EmulatorError(f"git {arguments[0]} failed: {output}")
    return done.stdout


def _digest(context: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(context, sort_keys=True).encode()).hexdigest()[:8]
