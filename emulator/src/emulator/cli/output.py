"""The commands' output, to a reader that may go away, as `head` does after ten lines."""

from __future__ import annotations

import os
import sys


def show(text: str) -> None:
    """Prints the text. After the reader has gone nothing is printed, and nothing fails."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        close()


def close() -> None:
    """Discards output from now on: Python, too, flushes it once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
