"""A program that imports a module and prints as JSON why that fails.

`{"type", "message", "file", "line"}`. It runs in the environment of a function's worker. Lambda's
runtime client reports an import that fails without the line, and one whose text is no Latin-1 not
at all.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback


def main(module: str, code: str) -> None:
    try:
        importlib.import_module(module)
    except SyntaxError as error:
        place = (error.filename or "", error.lineno or 0)
        print(json.dumps(document(error, error.msg, *place)))
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [each for each in frames if each.filename.startswith(code)]
        last = own[-1] if own else None
        place = (last.filename, last.lineno or 0) if last else ("", 0)
        print(json.dumps(document(error, str(error), *place)))


def document(error: BaseException, message: str, file: str, line: int) -> dict[str, object]:
    return {"type": type(error).__name__, "message": message, "file": file, "line": line}


if __name__ == "__main__":
    main(sys.argv[1].rpartition(".")[0].replace("/", "."), sys.argv[2])
