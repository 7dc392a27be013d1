"""The process tree below one process, from /proc (Linux only)."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def processes(root: int) -> Iterator[int]:
    """A process and all its descendants. Each may have ended by the time that the caller uses its
    id.
    """
    yield root
    with suppress(OSError):
        for task in list(Path(f"/proc/{root}/task").iterdir()):
            for child in (task / "children").read_text().split():
                yield from processes(int(child))
