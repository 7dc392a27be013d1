"""docs/costs.md and docs/scale.md: each figure of their tables is the one that is computed."""

from pathlib import Path

import pytest

from tools.scale import tables
from tools.scale.__main__ import report
from tools.scale.behaviour import Behaviour
from tools.scale.pages import filled, write

ROOT = Path(__file__).parents[3]
PAGE = "a\n<!-- one: begin, made by `make scale` -->\nold\n<!-- one: end -->\nb\n"


@pytest.mark.parametrize("name", tables.BLOCKS)
def test_the_tables_of_a_page_are_as_computed(name: str) -> None:
    page = (ROOT / name).read_text()
    assert page == filled(page, tables.BLOCKS[name]), "run: make scale ARGS=--pages"


def test_a_block_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    new = PAGE.replace("old", "new")
    assert filled(PAGE, {"one": lambda: "new"}) == new
    (tmp_path / "page.md").write_text(PAGE)
    assert write(tmp_path, {"page.md": {"one": lambda: "new"}}) == ["page.md"]
    assert write(tmp_path, {"page.md": {"one": lambda: "new"}}) == []
    assert (tmp_path / "page.md").read_text() == new


@pytest.mark.parametrize("blocks", [{}, {"two": str}, {"one": str, "two": str}], ids=str)
def test_a_page_without_a_block_that_is_made_is_an_error(blocks: dict[str, type[str]]) -> None:
    with pytest.raises(ValueError, match="blocks"):
        filled(PAGE, blocks)


def test_a_report_says_which_limit_comes_first_and_whether_it_is_over() -> None:
    small, large = report(1_000, Behaviour()), report(50_000, Behaviour())
    assert "No limit is reached" in small and "1 limits are over" in large
    for text in (small, large):
        assert "delivery watch" in text and "US$ a month" in text
