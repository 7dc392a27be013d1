"""The computed parts of docs/costs.md and docs/scale.md: each stands between two marks."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

BLOCK = re.compile(
    r"(?P<begin><!-- (?P<name>\w+): begin, made by `make scale` -->\n)(?P<text>.*?)"
    r"(?P<end><!-- (?P=name): end -->)",
    re.DOTALL,
)


def filled(page: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """The page with each block computed anew. Raises ValueError where page and blocks differ."""
    names = [each["name"] for each in BLOCK.finditer(page)]
    if sorted(names) != sorted(blocks):
        raise ValueError(f"the page has the blocks {names}, and these are made: {list(blocks)}")
    return BLOCK.sub(lambda each: f"{each['begin']}{blocks[each['name']]()}\n{each['end']}", page)


def write(root: Path, pages: Mapping[str, Mapping[str, Callable[[], str]]]) -> list[str]:
    """Writes the pages that have changed, and returns their names."""
    changed = []
    for name, blocks in pages.items():
        before = (root / name).read_text()
        after = filled(before, blocks)
        if after != before:
            (root / name).write_text(after)
            changed.append(name)
    return changed
