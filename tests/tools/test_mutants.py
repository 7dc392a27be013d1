"""Which mistakes `make mutants` makes, and that they are in the running code of a child only."""

import os
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.mutants import expressions
from tools.mutants.__main__ import DEFAULT, main, sample, unknown
from tools.mutants.mutant import Mutant, mutants_of
from tools.mutants.patching import Loaded
from tools.mutants.running import AGAIN, KILLED, SURVIVED, Plugin, Results


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
        ("return {'a': a, 'b': b}", ["without 'a'", "without 'b'"]),
        ("return not_found(a)", ["not_found with another code"]),
        ("return ChatError(a, b)", ["ChatError with another code"]),
        ("logger.info(a + b)", []),
        ('"""a docstring: a = :b"""', []),
    ],
)
def test_each_line_has_these_mutants(tmp_path: Path, line: str, after: list[str]) -> None:
    found = _of(tmp_path, f"def function():\n    {line}\n")
    assert [each.after for each in found] == after
    assert {each.function for each in found} <= {"function"}


@pytest.mark.parametrize(
    ("constant", "after"),
    [
        ("frozenset({'a', 'b'})", ["without 'a'", "without 'b'"]),
        ("{'a': with_lease(send)}", ["send"]),
        ("frame_handler(ROUTES)", []),
        ("Sent | Read | None", []),  # a type
    ],
)
def test_each_constant_has_these_mutants(tmp_path: Path, constant: str, after: list[str]) -> None:
    assert [each.after for each in _of(tmp_path, f"CONSTANT = {constant}\n")] == after


def test_a_default_value_has_its_mutants(tmp_path: Path) -> None:
    found = _of(tmp_path, "def function(a, b=True, *, c=2):\n    return a\n")
    assert [each.after for each in found] == ["False", "3", "1"]


@pytest.mark.parametrize(
    "of",
    [["nope"], ["lambdas/nope"], ["client/nope.py"], ["stacks"], ["lambdas", "nope"], ["."], []],
)
def test_what_has_no_mutants_is_rejected_before_any_test_runs(
    of: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mutants", "--of", *of])
    monkeypatch.setattr("pytest.main", lambda *_, **__: pytest.fail("tests were run"))
    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == 2
    assert (of or ["no file or folder"])[-1] in capsys.readouterr().err


def test_the_folders_that_are_tried_by_default_are_there() -> None:
    assert unknown(DEFAULT) == ""
    assert unknown(["lambdas/settings.py"]) == ""


def test_a_sample_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    found = _of(tmp_path, "".join(f"LIMIT_{n} = {n + 1}\n" for n in range(20)))
    one, again, other = (sample(found, 5, seed) for seed in ("1", "1", "2"))
    assert one == again != other
    assert len(one) == 5


BEFORE = "def function(a, b):\n    if a < b:\n        return f(a)\n    return b\n"


@pytest.mark.parametrize(
    ("after", "known"),
    [
        (BEFORE, True),
        (f"def other():\n    return 1 < 2\n\n\n{BEFORE}", True),
        (BEFORE.replace("\n    return b", "  # a comment\n\n    return b"), True),
        (BEFORE.replace("f(a)", "g(a)"), False),
        (BEFORE.replace("(a, b)", "(a, b, c=1)"), False),
    ],
)
@pytest.mark.parametrize("method", [False, True])
def test_what_is_known_of_a_mutant_holds_as_long_as_its_functions_code(
    tmp_path: Path, after: str, known: bool, method: bool
) -> None:
    def key(text: str) -> str:
        if method:
            text = f"class Sample:\n{textwrap.indent(text, '    ')}"
        name = "Sample.function" if method else "function"
        (found,) = [
            each
            for each in _of(tmp_path, text)
            if (each.function, each.before, each.after) == (name, "a < b", "a <= b")
        ]
        return found.key

    assert (key(BEFORE) == key(after)) is known


def test_a_constant_with_another_value_is_another_mutant(tmp_path: Path) -> None:
    texts = ("LIMIT = {'a': 5, 'b': 6}\n", "LIMIT = {'a': 5, 'b': 7}\n")
    one, two = ({each.key for each in _of(tmp_path, text)} for text in texts)
    assert one and not one & two


def test_again_tries_what_was_killed_too_or_what_survived_alone(tmp_path: Path) -> None:
    one, other, new = _of(tmp_path, "def function():\n    return a < b, c < d, e < f\n")
    results = Results(tmp_path)
    results.put(one, KILLED)
    results.put(other, SURVIVED)
    kept = Results(tmp_path)
    wanted = [[kept.wanted(each.key, again) for each in (one, other, new)] for again in AGAIN]
    assert wanted == [[False, False, True], [True, True, True], [False, True, False]]


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
    text = (
        "SECONDS = 5\n\n\ndef double(value, times=2):\n"
        "    return value * times if value > SECONDS else 0\n"
    )
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
        results[mutant.field, mutant.after] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert sample_of_mutants.double(6) == 12
    assert results["test", "value >= SECONDS"] == 112  # 5 is doubled, too
    assert results["value", "6"] == 0 and results["value", "4"] == 112  # the constant
    assert results["defaults", "3"] == 18
    assert results["body", "value"] == 6


def test_a_test_that_failed_before_a_mutant_was_put_in_kills_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that warms the process up, on a busy machine."""
    (mutant,) = _of(tmp_path, "def function():\n    return a < b\n")
    plugin = Plugin(tmp_path, ("tests",), [mutant], budget=1, jobs=1, again="")
    plugin.loaded, plugin.items = SimpleNamespace(apply=lambda _: True), {}  # type: ignore[assignment]
    plugin.pytest_runtest_logreport(SimpleNamespace(failed=True))
    hook = SimpleNamespace(pytest_runtest_protocol=lambda **_: None)
    plugin.items["test"] = SimpleNamespace(config=SimpleNamespace(hook=hook))
    assert plugin._try(mutant, ["test"]) == 0
