"""The files of log groups that no function prints to.

Short, since it is the one rule that all who write such files, or read them, have to follow.
"""

from __future__ import annotations

from pathlib import Path

from emulator.providers import EmulatorError


def log_file(logs: Path, group: str) -> Path:
    """The file below `logs`, named as the group: `/a/b` and `a/b` have one file. Raises
    EmulatorError for a name that leads out of `logs`, which CloudWatch Logs would take."""
    parts = [part for part in group.split("/") if part]
    if not parts or {".", ".."} & set(parts):
        raise EmulatorError(f"a log group named {group!r} is not supported: it has no file here")
    return logs.joinpath(*parts[:-1], f"{parts[-1]}.log")
