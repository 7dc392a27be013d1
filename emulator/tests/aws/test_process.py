"""The output of the AWS server's process is read to its end, whatever it is."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.aws import permissions, server
from emulator.aws.process import AwsServer, ServerAddresses
from emulator.child_processes import ChildProcesses
from emulator.iam.authority import Denial
from emulator.iam.denials import Denials
from emulator.providers import EmulatorError

DENIAL = Denial("Send-0a1b2c", "arn:aws:sts::1:assumed-role/app/send", "sqs:SendMessage", "*", "no")
MOST_READ = 65_536  # bytes of a line: the default limit of asyncio's StreamReader


class Children:
    """A process that prints these lines."""

    def __init__(self, *lines: bytes) -> None:
        self._lines = lines

    async def start(self, *_arguments: str, **_options: Any) -> Any:
        output = asyncio.StreamReader()
        for line in self._lines:
            output.feed_data(line + b"\n")
        output.feed_eof()
        return SimpleNamespace(stdout=output)

    async def end(self, _process: Any, _seconds: float = 0) -> None:
        pass


def report(denial: Denial) -> bytes:
    return permissions.DENIED.encode() + json.dumps(asdict(denial)).encode()


def test_reading_goes_on_after_a_long_line_and_after_a_report_that_fails(tmp_path: Path) -> None:
    log, denied = tmp_path / "aws.log", []

    def fail(denial: Denial) -> None:
        denied.append(denial)
        if len(denied) == 1:
            raise OSError("no space left on device")

    async def run() -> None:
        children: Any = Children(
            b"ready", b"x" * 3 * MOST_READ, report(DENIAL), b"denied [", report(DENIAL), b"last"
        )
        server = AwsServer(children, 0, ServerAddresses("", ""), log, fail)
        await server.start()
        await server.stop()

    asyncio.run(run())
    assert denied == [DENIAL, DENIAL]
    text = log.read_text()
    assert "no space left on device" in text and "JSONDecodeError" in text
    assert text.endswith("last\n")


@pytest.mark.parametrize("name", ["by", "user", "action", "resource", "reason"])
def test_a_report_is_a_line_that_can_be_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    permissions._report(Denial(**{**asdict(DENIAL), name: "\N{GRINNING FACE}" * 140_000}))
    assert len(capsys.readouterr().out) < MOST_READ / 5


def test_what_is_stored_of_a_denial_is_short(tmp_path: Path) -> None:
    reported: list[str] = []
    denials = Denials(tmp_path / "denials.log", lambda: 0.0, reported.append, "enforce")
    denials.add(Denial(**{**asdict(DENIAL), "resource": "x" * 140_000}))
    for text in (json.dumps(denials.state()), (tmp_path / "denials.log").read_text(), *reported):
        assert len(text) < 10_000


def test_a_sweep_that_fails_is_printed_and_the_others_go_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def scenario() -> None:
        enough, swept = asyncio.Event(), list[float]()

        def broken(_now: float) -> int:
            raise KeyError("an item of another form")

        def other(now: float) -> int:
            swept.append(now)
            return 1

        def changed() -> None:
            if len(swept) == 2:
                enough.set()

        sweeping = asyncio.create_task(server._sweep(0, [broken, other], changed))
        await asyncio.wait_for(enough.wait(), 60)
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)

    asyncio.run(scenario())
    assert "an item of another form" in capfd.readouterr().err


def test_a_server_that_cannot_start_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moto.py").write_text("raise ImportError('this moto is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def main() -> None:
        children = ChildProcesses()
        server = AwsServer(
            children, 0, ServerAddresses("http://x", "http://x"), tmp_path / "aws.log"
        )
        try:
            with pytest.raises(EmulatorError, match=str(tmp_path / "aws.log")):
                await server.start()
        finally:
            await server.stop()
            await children.end_all()

    asyncio.run(main())
    assert "this moto is broken" in (tmp_path / "aws.log").read_text(encoding="utf-8")
