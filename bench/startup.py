"""Time to ready, cold and warm, of one synth, and of the rehearsal of one change."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.local_system import ROOT, fresh_directory, running
from bench.table import Row, within


def rows() -> list[Row]:
    with fresh_directory() as directory:
        with running(directory / "state") as cold:
            pass
        with running(directory / "state") as warm:
            pass
        synth = min(_synth(directory / "cdk.out") for _ in range(3))
        rehearsal = min(_rehearsal(directory / f"state-{run}") for run in range(3))
    return [
        Row("emulator ready, nothing synthesized yet", f"{cold.ready_after:.1f} s"),
        within("emulator ready, warm", warm.ready_after, 12, "s", ".1f"),
        within("synth of one environment, warm, validation off", synth, 5, "s", ".1f"),
        within("rehearsal of one change, both sides synthesized", rehearsal, 15, "s", ".1f"),
    ]


def _synth(output: Path) -> float:
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={
            **os.environ,
            "CDK_OUTDIR": str(output),
            "CDK_VALIDATION": "false",
            "CDK_CONTEXT_JSON": '{"env":"dev"}',
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - started


def _rehearsal(state: Path) -> float:
    """From HEAD to a larger pool; a new state keeps nothing of the run before."""
    command = (sys.executable, "-m", "emulator", "rehearse", "--from", "HEAD", "--state-dir", state)
    started = time.monotonic()
    subprocess.run(
        [*command, "--change", "pools.small.max=5"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - started
