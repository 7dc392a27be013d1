"""Which mistakes `make mutants` makes, and that they are in the running code of a child only."""

import os
import sys
from pathlib import Path

import pytest

from tools.mutants import expressions
from tools.mutants.mutant import Mutant, mutants_of
from tools.mutants.patching import Loaded


def _of(folder: Path, text: str) -> list[Mutant]:
    (folder / "sample.py").write_text(text)
    return mutants_of(folder, "sample.py")


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("return a < b", ["a <= b"]),
        ("return a == b", ["a != b"]),
        ("return a and b", ["b", "a"]),
        ("return not a", ["a"]),
        ("return a[0]", ["a[-1]", "1"]),
        ("return int(a * 1000)", ["a", "1001", "999"]),
        ("return a + b", ["a", "a - b"]),
        ("return 'x' + a", []),  # texts
        ("return min(a)", ["max(a)"]),
        ("return f(a, consistent=True)", ["False"]),
        ("return f(a, limit=b)", ["f(...) without limit="]),
        ("return [x for x in a if x]", [" for x in a", " for x in list(a)[:1] if x"]),
        ("f(a)", ["pass"]),
        ("raise f(a)", ["pass"]),
        ("a['b'] = c", ["pass"]),
        ("logger.info(a + b)", []),
        ('"""a docstring: a = :b"""', []),
    ],
)
def test_each_line_has_these_mutants(tmp_path: Path, line: str, after: list[str]) -> None:
    found = _of(tmp_path, f"def function():\n    {line}\n")
    assert [each.after for each in found] == after
    assert {each.function for each in found} <= {"function"}


def test_a_condition_is_made_true_with_all_its_values() -> None:
    assert list(expressions.variants("contains(m, :me) AND seq < :to")) == [
        "(contains(m, :me) OR NOT contains(m, :me)) AND seq < :to",
        "contains(m, :me) AND (seq < :to OR NOT seq < :to)",
        "contains(m, :me) AND seq <= :to",
        "contains(m, :me) OR seq < :to",
    ]
    assert list(expressions.variants("SET a = :a, b = b + :one")) == [
        "SET a = if_not_exists(a, :a), b = b + :one"
    ]
    assert not expressions.is_expression("a text: with a colon")


def test_a_mutant_is_in_the_child_that_applies_it_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lambdas"
    folder.mkdir()
    text = "SECONDS = 5\n\n\ndef double(value):\n    return value * 2 if value > SECONDS else 0\n"
    (folder / "sample_of_mutants.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    import sample_of_mutants  # type: ignore[import-not-found]

    monkeypatch.setitem(sys.modules, "lambdas.sample_of_mutants", sample_of_mutants)
    loaded = Loaded(tmp_path, ("lambdas",))
    results = {}
    for mutant in mutants_of(tmp_path, "lambdas/sample_of_mutants.py"):
        child = os.fork()
        if not child:
            applied = loaded.apply(mutant)
            os._exit(
                sample_of_mutants.double(5) * 10 + sample_of_mutants.double(6) if applied else 99
            )
        results[mutant.after] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert sample_of_mutants.double(6) == 12
    assert results["value >= SECONDS"] == 112  # 5 is doubled, too
    assert results["6"] == 0 and results["4"] == 112  # the constant
    assert results["value"] == 6
