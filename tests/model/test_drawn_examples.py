"""A test with drawn examples draws the same ones, whatever else is collected with it."""

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def _drawn() -> list[tuple[int, str]]:
    values: list[tuple[int, str]] = []

    @settings(max_examples=300, derandomize=True, database=None)
    @given(st.integers(), st.text())
    def draws(number: int, text: str) -> None:
        values.append((number, text))

    draws()
    return values


def test_a_module_that_was_loaded_meanwhile_changes_no_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _drawn()
    source = tmp_path / "other_tests.py"
    source.write_text("\n".join(f"x{n} = {n * 7_654_321}, 'word {n}'" for n in range(1, 200)))
    spec = importlib.util.spec_from_file_location(source.stem, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, source.stem, module)
    assert _drawn() == before
