"""The examples of a page: which lines go where in which file, read from its text."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

# "`path`, new:", "`path`, at the end:", "`path`, after `line`:" and the block of code below it
EXAMPLE = re.compile(
    r"^`(?P<path>[^`]+)`, (?P<place>new|at the end|(?:before|after|in place of) (?P<ticks>`+) ?"
    r"(?P<line>.+?) ?(?P=ticks)):\n\n```\w+\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """`line` is how the line starts that `place` refers to; exactly one line of the file does."""

    path: str
    place: str
    line: str
    code: str

    def apply(self, project: Path) -> None:
        file = project / self.path
        if self.place == "new":
            assert not file.exists(), f"{self.path} is not new"
            file.write_text(self.code)
            return
        text = file.read_text()
        file.write_text(f"{text}\n\n{self.code}" if self.place == "at the end" else self._in(text))

    def _in(self, text: str) -> str:
        """The code is indented as the line that it goes to."""
        lines = text.splitlines(keepends=True)
        (at,) = (n for n, line in enumerate(lines) if line.lstrip().startswith(self.line))
        code = indent(self.code, lines[at][: -len(lines[at].lstrip())])
        first, after = at + self.place.startswith("after"), at + (not self.place.startswith("bef"))
        return "".join((*lines[:first], code, *lines[after:]))


def examples(page: Path) -> dict[str, list[Block]]:
    """The blocks of each section that has some, by its heading."""
    sections = re.split(r"^## (.+)\n", page.read_text(), flags=re.MULTILINE)[1:]
    found = {
        heading: [
            Block(each["path"], each["place"], each["line"] or "", each["code"])
            for each in EXAMPLE.finditer(text)
        ]
        for heading, text in zip(sections[::2], sections[1::2], strict=True)
    }
    return {heading: blocks for heading, blocks in found.items() if blocks}
