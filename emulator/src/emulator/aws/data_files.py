"""The files that data is in."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace(file: Path, content: bytes) -> None:
    """In one step, once the content is on the disk: an end at any moment leaves what was there or
    the new content. Readable by its owner only, for there are passwords. Raises OSError."""
    # a name of its own: a killed server's child may still be writing
    number, name = tempfile.mkstemp(".new", f"{file.stem}.", file.parent)
    new = Path(name)
    try:
        with os.fdopen(number, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
