"""The end of an invocation's log, which Invoke returns for the log type Tail.

Source: the API reference of "Invoke" (X-Amz-Log-Result: "The last 4 KB of the execution log, which
is base64-encoded"). START, END and REPORT stand here alone, not in the function's file. What other
invocations print meanwhile is in it as well: all of a function's workers print to one file.
"""

from __future__ import annotations

import base64
import math
from pathlib import Path

TAIL_BYTES = 4 * 1024


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def tail(file: Path, begin: int, request_id: str, version: str, seconds: float, memory: int) -> str:
    """The end of the log in base64; `begin` is the file's size when the invocation came."""
    printed = b""
    if file.exists():
        with file.open("rb") as log:
            log.seek(begin)
            printed = log.read()
    milliseconds = 1000 * seconds
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\t"
        f"Billed Duration: {math.ceil(milliseconds)} ms\tMemory Size: {memory} MB\t\n"
    )
    text = b"".join(
        (
            f"START RequestId: {request_id} Version: {version}\n".encode(),
            printed,
            f"END RequestId: {request_id}\n{report}".encode(),
        )
    )
    return base64.b64encode(text[-TAIL_BYTES:]).decode()
