"""A project without resources, which the emulator runs in two seconds, for tests of the tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

APP = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDK_OUTDIR"])
stage = out / "assembly-Dev"
stage.mkdir(parents=True)
inner = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Dev"}}
(out / "manifest.json").write_text(json.dumps({"artifacts": {"assembly-Dev": inner}}))
(stage / "manifest.json").write_text(json.dumps({"artifacts": {}}))
"""


def write(directory: Path) -> Path:
    (directory / "app.py").write_text(APP, encoding="utf-8")
    return directory


def run(project: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m <module> <arguments>` with the project, to its end."""
    return subprocess.run(
        command(project, module, *arguments), capture_output=True, text=True, timeout=60, cwd=ROOT
    )


def command(project: Path, module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments, "--project", str(project)]
