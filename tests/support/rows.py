"""A table whose rows are subtests of one test, for rows that take no time."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def rows(
    names: str | Sequence[str],
    table: Iterable[Any],
    *,
    ids: Callable[[Any], Any] | Iterable[Any] = repr,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize`, in one test: with pytest-xdist a test takes 4 ms, a subtest 1.

    All rows are tried, and those that fail are named by `ids`, of their first values if it is a
    function. They share the test's fixtures, so a row must leave these as they were.
    """
    keys = names.replace(" ", "").split(",") if isinstance(names, str) else list(names)
    table = list(table)
    found = [row if len(keys) > 1 else (row,) for row in table]
    titles = [str(ids(row[0])) for row in found] if callable(ids) else list(map(str, ids))
    assert found, "a table without rows tests nothing"
    assert not any(isinstance(row, ParameterSet) for row in table), "marks have no effect here"

    def of(check: Callable[..., None]) -> Callable[..., None]:
        assert not inspect.iscoroutinefunction(check) and not inspect.isgeneratorfunction(check)
        parameters = dict(inspect.signature(check).parameters)
        nested = "subtests" in parameters  # of another table

        @functools.wraps(check)
        def test(subtests: pytest.Subtests, **fixtures: Any) -> None:
            if nested:
                fixtures["subtests"] = subtests
            for title, row in zip(titles, found, strict=True):
                with subtests.test(title):
                    check(**dict(zip(keys, row, strict=True)), **fixtures)

        for key in keys:
            del parameters[key]
        parameters |= {"subtests": inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY)}
        test.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
        return test

    return of
