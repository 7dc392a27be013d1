"""Pictures in messages and files: their sides are known, and bounded, before anything decodes them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.core.attachment import parse_attachment
from client.core.content import UNREADABLE, parse
from client.core.picture import may_be_drawn, parse_picture, sides
from tests.support.rows import rows

VECTORS = Path(__file__).parents[3] / "protocol" / "vectors"
PICTURES: dict[str, Any] = json.loads((VECTORS / "pictures.json").read_text(encoding="utf-8"))
FILES: dict[str, Any] = json.loads((VECTORS / "files.json").read_text(encoding="utf-8"))
what = lambda entry: entry["what"]  # noqa: E731 - names a test


@rows("entry", PICTURES["good"], ids=what)
def test_a_picture_is_taken_with_the_sides_of_its_header(entry: dict[str, Any]) -> None:
    assert parse_picture(entry["picture"]) == entry["picture"]
    assert sides(entry["picture"]) == (entry["width"], entry["height"])


@rows("entry", PICTURES["bad"], ids=what)
def test_a_picture_that_no_client_draws_is_rejected_wherever_it_stands(
    entry: dict[str, Any],
) -> None:
    picture = entry["picture"]
    with pytest.raises(ValueError):
        parse_picture(picture)
    with pytest.raises(ValueError):
        parse_attachment({**FILES["attachments"]["good"][1], "thumbnail": picture})
    at = {"v": 1, "at": 1, "name": None, "picture": picture}
    for kind in ("chat_picture", "profile"):
        assert parse({**at, "kind": kind}).kind == UNREADABLE


@rows("entry", PICTURES["files"], ids=what)
def test_a_file_is_drawn_if_its_header_says_that_it_has_not_too_many_pixels(
    entry: dict[str, Any],
) -> None:
    content = entry["content"]
    assert may_be_drawn(base64.b64decode(content + "=" * (-len(content) % 4))) is entry["drawn"]


@pytest.mark.parametrize(
    ("sides", "kind"),
    [((8_192, 8_192), "picture"), ((8_192, 8_193), "file"), ((65_535, 65_535), "file")],
)
def test_a_picture_of_too_many_pixels_is_a_file_for_everybody(
    sides: tuple[int, int], kind: str
) -> None:
    picture = {**FILES["attachments"]["good"][1], "width": sides[0], "height": sides[1]}
    parsed = parse_attachment(picture)
    assert (parsed.kind, parsed.width, parsed.height) == (kind, *sides)


@given(st.sampled_from(PICTURES["good"]), st.data())
def test_a_picture_with_other_bytes_is_small_or_rejected(
    entry: dict[str, Any], data: st.DataObject
) -> None:
    picture = list(entry["picture"])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(200, len(picture) - 1)))
        picture[place] = data.draw(st.sampled_from("/+AZaz059"))
    try:
        width, height = sides(parse_picture("".join(picture)))
    except ValueError:
        return
    assert 1 <= width <= 512 and 1 <= height <= 512
