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
    return Loader(file_loader=_SmallModels())


class _SmallModels(JSONFileLoader):  # type: ignore[misc]
    def load_file(self, file_path: str) -> Any:
        return _small(super().load_file(file_path))


def _small(model: Any) -> Any:
    if isinstance(model, dict):
        return {
            name: _small(value)
            for name, value in model.items()
            if name != "documentation" or not isinstance(value, str)
        }
    return [_small(each) for each in model] if isinstance(model, list) else model
