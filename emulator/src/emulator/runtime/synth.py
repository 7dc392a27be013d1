"""Synthesis of the app, unless nothing it depends on has changed since the last time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from emulator.child_processes import ChildProcesses
from emulator.providers import EmulatorError
from emulator.runtime.project import Project
from emulator.template.assembly import Assembly


class Synthesis:
    """The assembly of one environment of `project`, in a folder of `state`. `context` overrides its
    settings, as `cdk -c` does."""

    def __init__(
        self,
        project: Project,
        state: Path,
        env: str,
        children: ChildProcesses,
        context: Mapping[str, str] | None = None,
    ) -> None:
        self._project = project.directory
        self._input_files = project.input_files
        self._context = {**(context or {}), "env": env, "bundle_for": "host"}
        self._children = children
        self.directory = state / f"cdk.out-{env}"
        self._stamp = state / f"synthesized-{env}"
        self._log = state / "logs" / "synth.log"

    def fresh(self) -> bool:
        """Whether the assembly that is there is what synthesizing would give."""
        try:
            known = self._stamp.read_text(encoding="utf-8")
        except FileNotFoundError:
            return False
        return known == self.fingerprint() and (self.directory / "manifest.json").is_file()

    async def run(self) -> None:
        """Raises EmulatorError with the end of its output when synthesizing fails."""
        if not (self._project / "app.py").is_file():
            raise EmulatorError(f"{self._project} has no app.py: give the project by --project")
        fingerprint = self.fingerprint()
        self._stamp.unlink(missing_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            process = await self._children.start(
                sys.executable,
                "app.py",
                env=self._environment(),
                cwd=self._project,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            status = await process.wait()
        if status != 0:
            tail = (
                self._log.read_text(encoding="utf-8", errors="replace").rstrip().split("\n")[-15:]
            )
            raise EmulatorError("\n".join(["app.py failed:", *tail, f"(whole in {self._log})"]))
        self._stamp.write_text(fingerprint, encoding="utf-8")

    def fingerprint(self) -> str:
        """A digest over the content of everything app.py reads, the settings it is given, and the
        interpreter it bundles for."""
        context = json.dumps(self._context, sort_keys=True)
        digest = hashlib.sha256(f"{context} {sys.version} {sys.platform}".encode())
        for path in sorted(self._input_files()):
            digest.update(str(path.relative_to(self._project)).encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
        return digest.hexdigest()

    def prune(self, assembly: Assembly) -> None:
        """Remove assets of earlier syntheses, which nothing refers to any more."""
        used = {path.name for path in (*assembly.files.values(), *assembly.images.values())}
        for path in self.directory.glob("asset.*"):
            if path.name not in used and path.is_dir():
                shutil.rmtree(path)

    def _environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "CDK_OUTDIR": str(self.directory),
            "CDK_VALIDATION": "false",
            "CDK_CONTEXT_JSON": json.dumps(self._context),
            "PYTHONUNBUFFERED": "1",
        }
