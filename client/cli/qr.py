"""QR codes in a terminal: two modules in one character, so that they are square."""

from __future__ import annotations

import segno

# The standard wants 4 modules of quiet around a code; in a terminal with set colours 2 do, and
# a code that fits on the screen is worth more.
QUIET = 2
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def rows(content: str) -> list[str]:
    """The code as lines of equal width. What is drawn is dark, spaces are light.

    They have to be shown as dark characters on a light background: on a dark one the code would be
    a negative, which many readers do not accept.
    """
    code = segno.make_qr(content, error="l")
    modules = [list(row) for row in code.matrix_iter(border=QUIET)]
    if len(modules) % 2:
        modules.append([0] * len(modules[0]))
    return [
        "".join(_HALVES[upper, lower] for upper, lower in zip(*modules[at : at + 2], strict=True))
        for at in range(0, len(modules), 2)
    ]


def coloured(line: str) -> str:
    """Black on white, whatever the terminal's colours are."""
    return f"\x1b[38;2;0;0;0;48;2;255;255;255m{line}\x1b[0m"
