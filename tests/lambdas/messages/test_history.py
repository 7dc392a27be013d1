"""The part of a page that fits into a response."""

import pytest

from lambdas.messages.history import Page

MESSAGES = [{"seq": seq} for seq in (2, 3, 5, 9)]
MISSING = [(1, 1), (4, 4), (6, 8), (10, 12)]


@pytest.mark.parametrize(
    ("number", "seqs", "complete_to", "missing"),
    [
        (0, [], 1, [(1, 1)]),
        (1, [2], 2, [(1, 1)]),
        (2, [2, 3], 4, [(1, 1), (4, 4)]),
        (3, [2, 3, 5], 8, [(1, 1), (4, 4), (6, 8)]),
    ],
)
def test_what_is_cut_off_is_neither_complete_nor_missing(
    number: int, seqs: list[int], complete_to: int, missing: list[tuple[int, int]]
) -> None:
    page = Page(MESSAGES, 12, MISSING, more=False, retry_after=3.0)
    cut = page.first(number)
    assert [each["seq"] for each in cut.messages] == seqs
    assert (cut.complete_to, cut.missing) == (complete_to, missing)
    assert (cut.more, cut.retry_after) == (True, None), "the rest can be asked for at once"


@pytest.mark.parametrize("number", [4, 5])
def test_a_page_that_fits_stays_as_it_is(number: int) -> None:
    page = Page(MESSAGES, 12, MISSING, more=False, retry_after=3.0)
    assert page.first(number) is page
