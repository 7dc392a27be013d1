from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from emulator.child_processes import ChildProcesses
from emulator.providers import EmulatorError
from emulator.runtime.project import read
from emulator.runtime.synth import Synthesis
from emulator.template import assembly
from tests import tiny_projects


def synthesized(project: Path, **context: str) -> Synthesis:
    """After a run, unless it is fresh."""

    async def main() -> Synthesis:
        children = ChildProcesses()
        synthesis = Synthesis(read(project), project / ".local", "dev", children, context)
        if not synthesis.fresh():
            await synthesis.run()
        await children.end_all()
        return synthesis

    return asyncio.run(main())


def test_only_a_change_in_what_the_app_reads_makes_it_run_again(tmp_path: Path) -> None:
    tiny_projects.write(tmp_path)
    runs = []
    for change in (None, None, "lambdas/more.py", "stacks/config.py", "cdk.json", "README.md"):
        if change is not None:
            (tmp_path / change).parent.mkdir(exist_ok=True)
            (tmp_path / change).write_text("x = 1", encoding="utf-8")
        synthesized(tmp_path)
        runs.append(tiny_projects.syntheses(tmp_path))
    assert runs == [1, 1, 2, 3, 4, 4]


def test_other_settings_make_it_run_again(tmp_path: Path) -> None:
    tiny_projects.write(tmp_path)
    for context in ({}, {"waf": "true"}, {"waf": "true"}, {"waf": "false"}, {}):
        synthesized(tmp_path, **context)
    given = (tmp_path / "synthesized").read_text(encoding="utf-8").splitlines()
    assert given == ["{}", '{"waf": "true"}', '{"waf": "false"}', "{}"]


def test_a_run_that_fails_is_not_taken_for_fresh(tmp_path: Path) -> None:
    tiny_projects.write(tmp_path)
    synthesized(tmp_path)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "config.py").touch()
    (tmp_path / "broken").touch()
    for _ in range(2):
        with pytest.raises(EmulatorError, match=r"app.py failed:\nconfig.py: pools need"):
            synthesized(tmp_path)


def test_assets_nothing_refers_to_are_removed(tmp_path: Path) -> None:
    tiny_projects.write(tmp_path)
    synthesis = synthesized(tmp_path)
    for name in ("asset.old", "asset.new"):
        (synthesis.directory / name).mkdir()
    loaded = assembly.load(synthesis.directory)
    used = {**loaded.files, "key.zip": synthesis.directory / "asset.new"}
    synthesis.prune(assembly.Assembly(loaded.stacks, used))
    assert sorted(path.name for path in synthesis.directory.glob("asset.*")) == ["asset.new"]
