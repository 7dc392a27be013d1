"""The diagnosis of a function's code, in one line: `lambdas/send.py:12: NameError: ...`."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.functions import environment
from emulator.functions.model import Function
from emulator.functions.worker import Host
from emulator.providers import InvokeResult

PROGRAM = Path(__file__).with_name("import_check.py")
WITHIN = 10.0  # seconds, Lambda's own limit of the init phase

# a frame, as the runtime client writes those of errors and those of syntax errors
_FRAME = re.compile(r'File "(?P<file>[^"]+)",? [Ll]ine (?P<line>\d+)')
_LONGEST = 300  # characters of a message


def of_invocation(result: InvokeResult, function: Function) -> str:
    """The diagnosis from the error document, whose `stackTrace` has a text for each frame, the last
    one where it happened. The place is that of the function's own code which is nearest to it."""
    try:
        document = json.loads(result.payload)
        trace = [str(frame) for frame in document.get("stackTrace") or ()]
        kind, message = str(document["errorType"]), str(document["errorMessage"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return one_line(result.payload[:_LONGEST].decode(errors="replace"))
    own = [
        found
        for frame in trace
        if (found := _FRAME.search(frame)) and found["file"].startswith(str(function.code))
    ]
    place = _place(own[-1]["file"], int(own[-1]["line"]), function) if own else ""
    return one_line(f"{place}{kind.removeprefix('Runtime.')}: {message}")


async def of_init(function: Function, host: Host) -> str | None:
    """The error with which importing the function's module fails; None if it doesn't fail, or
    hangs."""
    process = await host.children.start(
        *(sys.executable, "-S", "-P", str(PROGRAM), function.handler, str(function.code)),
        env=environment.variables(function, host.runtime_packages, "", host.region),
        cwd=function.code,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), WITHIN)
    except TimeoutError:
        await host.children.end(process, grace=0)
        return None
    lines = output.decode(errors="replace").splitlines()
    return of_import(json.loads(lines[-1]), function) if lines else None


def of_import(found: Mapping[str, Any], function: Function) -> str:
    """The line of what `import_check` prints."""
    place = _place(found["file"], found["line"], function) if found["file"] else ""
    return one_line(f"{place}{found['type']}: {found['message']}")


def one_line(text: str) -> str:
    short = text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
    return " ⏎ ".join(short.splitlines())


def _place(file: str, line: int, function: Function) -> str:
    """The place as seen from the project: a function's copy has the folders that the project
    has."""
    path = Path(file)
    if path.is_relative_to(function.code):
        path = path.relative_to(function.code)
    return f"{path}:{line}: "
