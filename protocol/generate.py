"""Command that writes what is made from the protocol's schemas.

    python -m protocol.generate [--check]

--check changes nothing, and fails when a file differs from what the schemas give.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from protocol import python_types, specifications, typescript_types
from protocol.document import document
from protocol.schemas import ROOT

FILES: dict[str, Callable[[], str]] = {
    "docs/protocol.md": document,
    "protocol/asyncapi.json": specifications.asyncapi,
    "protocol/openapi.json": specifications.openapi,
    "client/core/frames_generated.py": python_types.frames_module,
    "client/core/bodies_generated.py": python_types.bodies_module,
    "web/src/client/core/frames.generated.ts": typescript_types.frames_module,
    "web/src/client/core/bodies.generated.ts": typescript_types.bodies_module,
}


def outdated() -> dict[Path, str]:
    """The files that differ from what the schemas give, and their text as it has to be."""
    made = {ROOT / name: text() for name, text in FILES.items()}
    return {
        path: text
        for path, text in made.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for path, text in outdated().items():
        if check:
            name = path.relative_to(ROOT)
            raise SystemExit(f"{name} differs from what the schemas give: run `make docs`.")
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
