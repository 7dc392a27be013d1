"""botocore's session with small models of AWS's services."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO, Any

import botocore.session
from botocore.loaders import JSONFileLoader, Loader

ENDPOINTS = "endpoints.json"


def session() -> Any:
    """A new one, with no credentials and no region; all have the same models."""
    made = botocore.session.get_session()
    made.register_component("data_loader", loader())
    return made


@cache
def loader() -> Loader:
    """Models without documentation, as plain dictionaries: half of what botocore keeps."""
    return Loader(file_loader=SmallModels())


def small_for_all() -> None:
    """Loaders that others make, such as moto, read small models too."""
    Loader.FILE_LOADER_CLASS = SmallModels


class SmallModels(JSONFileLoader):
    """A loader that leaves parts of a model out while it reads the file: nothing large is built
    first."""

    def _load_file(self, full_path: str, open_method: Callable[..., IO[bytes]]) -> Any:
        path = Path(full_path)
        if not path.is_file():
            return None
        hook = _without_variants if path.name == ENDPOINTS else _without_documentation
        with open_method(full_path, "rb") as file:
            return json.loads(file.read(), object_hook=hook)


def _without_documentation(found: dict[str, Any]) -> dict[str, Any]:
    if isinstance(found.get("documentation"), str):
        found["documentation"] = ""
    return found


def _without_variants(found: dict[str, Any]) -> dict[str, Any]:
    """Hostnames of FIPS and dual-stack endpoints: here all is at a URL that is given."""
    found.pop("variants", None)
    return found
