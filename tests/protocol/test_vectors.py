"""The vectors that both clients are tested with."""

from pathlib import Path

from protocol.vectors.__main__ import HERE, VECTORS, rendered
from tests.support.rows import rows


@rows("name", VECTORS)
def test_a_file_of_vectors_is_what_is_made_here(name: str) -> None:
    assert (HERE / f"{name}.json").read_text(encoding="utf-8") == rendered(name)


def test_each_file_of_vectors_is_made_here() -> None:
    assert {Path(each).stem for each in HERE.glob("*.json")} == set(VECTORS)
