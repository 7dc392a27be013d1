"""botocore's session with small models of AWS's services."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.loaders import JSONFileLoader, Loader


def session() -> Any:
    """A new one, with no credentials and no region; all have the same models."""
    made = botocore.session.get_session()
    made.register_component("data_loader", loader())
    return made


@cache
def loader() -> Loader:
    """Models without documentation, as plain dictionaries: half of what botocore keeps."""
    return Loader(file_loader=SmallModels())


class SmallModels(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        return _small(super().load_file(file_path))


def _small(model: Any) -> Any:
    if isinstance(model, dict):
        return {
            name: "" if name == "documentation" and isinstance(value, str) else _small(value)
            for name, value in model.items()
        }
    return [_small(each) for each in model] if isinstance(model, list) else model
