"""Writes the vectors: `python -m protocol.vectors`. A test compares the files with it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from protocol.vectors.comparisons import emoji, safety_numbers
from protocol.vectors.contents import contents
from protocol.vectors.devices import introductions, links, signing
from protocol.vectors.envelopes import envelopes, padding
from protocol.vectors.files import files
from protocol.vectors.pictures import pictures
from protocol.vectors.views import views

HERE = Path(__file__).parent
VECTORS: Mapping[str, Callable[[], dict[str, Any]]] = {
    made.__name__: made
    for made in (
        *(padding, signing, envelopes, safety_numbers, links, introductions, emoji),
        *(contents, views, files, pictures),
    )
}


def rendered(name: str) -> str:
    return json.dumps(VECTORS[name](), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    for name in VECTORS:
        (HERE / f"{name}.json").write_text(rendered(name), encoding="utf-8")
