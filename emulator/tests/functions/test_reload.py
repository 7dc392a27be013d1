from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.functions.hosts import function, running, until

from emulator.functions.code import RunCopies, mirror
from emulator.functions.functions import Functions
from emulator.functions.reload import Reload
from emulator.providers import EmulatorError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def files(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_a_mirror_takes_over_additions_changes_and_removals(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write(source / "compiled.py", "1")
    write(source / "changed.py", "1")
    write(source / "package" / "gone.py", "1")
    mirror(source, target)
    assert files(target) == files(source)
    write(source / "changed.py", "22")
    (source / "package" / "gone.py").unlink()
    (source / "package").rmdir()
    write(source / "package", "now a file")
    write(target / "stray.py", "1")
    write(target / "__pycache__" / "compiled.pyc", "byte code")
    mirror(source, target)
    assert files(target) == files(source) | {"__pycache__/compiled.pyc": "byte code"}


def test_assets_are_copied_once_and_never_written(tmp_path: Path) -> None:
    asset = tmp_path / "asset.abc"
    write(asset / "lambdas" / "send.py", "old")
    copies = RunCopies(tmp_path / "run")
    copy = copies.of(asset)
    assert copies.of(asset) == copy == tmp_path / "run" / "asset.abc"
    source = write(tmp_path / "lambdas" / "send.py", "new")
    gone = tmp_path / "lambdas" / "gone.py"
    assert copies.overlay(tmp_path / "lambdas", [source, gone])
    assert files(copy) == {"lambdas/send.py": "new"}
    assert files(asset) == {"lambdas/send.py": "old"}
    with pytest.raises(EmulatorError, match="is none"):
        copies.of(tmp_path / "asset.zip")


def test_a_saved_source_is_what_the_next_invocation_runs(tmp_path: Path) -> None:
    sources = tmp_path / "lambdas"
    response = "def handler(event, context): return {}\n"
    for directory in (sources, tmp_path / "asset.abc" / "lambdas"):
        write(directory / "module.py", response.format(1))
    copies = RunCopies(tmp_path / "run")
    reported: list[str] = []

    async def scenario() -> None:
        async with running(tmp_path) as functions:
            functions.add(
                function(
                    tmp_path,
                    "",
                    code=copies.of(tmp_path / "asset.abc"),
                    handler="lambdas.module.handler",
                )
            )
            assert await invoke(functions) == b"1"
            reload = Reload(
                sources, copies, [lambda changed: functions.replace_workers()], reported.append
            )
            await reload.start()
            try:
                for expected in (2, 3):
                    before = len(reported)
                    while len(reported) == before:  # the watch may not have begun yet
                        write(sources / "module.py", response.format(expected))
                        await asyncio.sleep(0.3)
                    await until(lambda: functions.state()["functions"][0]["workers"] <= 1)
                    assert await invoke(functions) == str(expected).encode()
            finally:
                await reload.stop()

    asyncio.run(scenario())
    assert "lambdas/module.py changed: new workers take over" in reported


def test_what_changes_the_template_or_the_packages_is_reported_to_need_a_restart(
    tmp_path: Path,
) -> None:
    stacks, sources = tmp_path / "stacks", tmp_path / "lambdas"
    write(stacks / "config.py", "1")
    write(sources / "requirements.txt", "1")
    reported: list[str] = []
    taken_over: list[list[Path]] = []
    reload = Reload(
        sources,
        RunCopies(tmp_path / "run"),
        [taken_over.append],
        reported.append,
        templates=[stacks],
    )

    async def scenario() -> None:
        await reload.start()
        try:
            for path in (stacks / "config.py", sources / "requirements.txt"):
                before = len(reported)
                while len(reported) == before:  # the watch may not have begun yet
                    write(path, "2")
                    write(sources / ".send.py.swp", "x")
                    await asyncio.sleep(0.3)
        finally:
            await reload.stop()

    asyncio.run(scenario())
    assert "stacks/config.py changed: start again to take it over" in reported
    assert "lambdas/requirements.txt changed: start again to take it over" in reported
    assert taken_over == []


def test_running_invocations_finish_when_the_code_changes(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    source = f"""
import os, time
def handler(event, context):
    while not os.path.exists({str(gate)!r}):
        time.sleep(0.01)
    return event
"""

    async def scenario() -> None:
        async with running(tmp_path) as functions:
            functions.add(function(tmp_path, source, timeout=30.0))
            old = asyncio.create_task(functions.invoke("echo", b'"old"'))
            await until(lambda: functions.state()["functions"][0]["busy"] == 1)
            write(tmp_path / "code" / "module.py", "def handler(event, context): return 'new code'")
            functions.replace_workers()
            assert (await functions.invoke("echo", b"1")).payload == b'"new code"'
            gate.touch()
            assert (await old).payload == b'"old"'

    asyncio.run(scenario())


async def invoke(functions: Functions) -> bytes:
    return (await functions.invoke("echo", b"null")).payload
