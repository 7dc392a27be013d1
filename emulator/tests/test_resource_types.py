"""The README's table of resource types is the one that the code gives, and has every provider."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import emulator
from emulator.resource_types import EMULATED, table

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_has_the_table() -> None:
    text = README.read_text(encoding="utf-8")
    assert table() in text, "replace it by what python -m emulator.resource_types prints"


def test_every_provider_is_in_the_table() -> None:
    found = set()
    for module in pkgutil.walk_packages(emulator.__path__, "emulator."):
        # those patch moto, and __main__ is a command
        if module.name.startswith(("emulator.aws", "emulator.__main__")) or module.ispkg:
            continue
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if each.__module__.startswith("emulator.") and isinstance(
                vars(each).get("types"), tuple
            ):
                found.add(each)
    assert {each for each in found if each.__name__.endswith("Provider")} == set(EMULATED)
