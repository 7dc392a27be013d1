"""The protocol's JSON schemas as files.

They are in lambdas/protocol, because the functions and the container validate with them: both
ship that folder as it is, and the emulator reloads what changes in it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SCHEMAS = ROOT / "lambdas" / "protocol"
GROUPS = {
    "client": ("Client frames", "What a device sends. The field `action` names the frame."),
    "server": ("Server frames", "What a device receives. The field `type` names the frame."),
    "rest": ("REST bodies", "What the routes take and return, as JSON."),
}
Schema = Mapping[str, Any]


def schemas(group: str) -> list[Path]:
    return sorted((SCHEMAS / group).glob("*.json"))


def read(file: Path) -> Schema:
    schema: Schema = json.loads(file.read_text(encoding="utf-8"))
    return schema
