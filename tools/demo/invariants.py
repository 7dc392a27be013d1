"""Invariants that hold at every moment, by the phones' screens and the backend's data. No I/O."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

SHORTEST = 6  # characters of a text that is looked for: a shorter one stands anywhere by chance


class Lamp(NamedTuple):
    """`green` None: nothing was seen yet."""

    green: bool | None
    seen: str

    def as_json(self) -> dict[str, object]:
        return {"green": self.green, "seen": self.seen}


def once(screens: Mapping[str, Sequence[str]], sent: Iterable[str]) -> Lamp:
    """Each message stands once on each screen. `screens` has the message ids by user."""
    known = set(sent)
    counts = {user: Counter(each for each in ids if each in known) for user, ids in screens.items()}
    rows = sum(sum(count.values()) for count in counts.values())
    twice = [each for count in counts.values() for each, number in count.items() if number > 1]
    if twice:
        return Lamp(False, f"{len(twice)} of {rows} messages stand twice on a screen")
    return Lamp(True if rows else None, f"{rows} messages on the screens, none of them twice")


def in_order(screens: Mapping[str, Sequence[str]], seqs: Mapping[str, int]) -> Lamp:
    """The screens have the order of the chat's log, and nothing is missing between."""
    checked = 0
    texts = sorted(seqs.values())
    for user, ids in screens.items():
        shown = [seqs[each] for each in ids if each in seqs]
        checked += len(shown)
        expected = [seq for seq in texts if shown and shown[0] <= seq <= shown[-1]]
        if list(dict.fromkeys(shown)) != expected:
            return Lamp(False, f"{user} sees the positions {shown}, not {expected}")
    return Lamp(
        True if checked else None, f"{checked} messages stand where the chat's log has them"
    )


def secret(words: Iterable[str], places: Mapping[str, Iterable[bytes]]) -> Lamp:
    """None of the texts is where the backend keeps, logs, pushes or receives anything."""
    looked_for = {text for text in words if len(text) >= SHORTEST}
    looks = {text: _forms(text) for text in looked_for}
    counts: list[str] = []
    for place, contents in places.items():
        number = 0
        for content in contents:
            number += 1
            for text, forms in looks.items():
                if any(form in content for form in forms):
                    return Lamp(False, f"{text!r} can be read in {place}")
        counts.append(f"{number} {place}")
    if not looked_for:
        return Lamp(None, "no text was written yet")
    texts = "1 text" if len(looked_for) == 1 else f"{len(looked_for)} texts"
    return Lamp(True, f"looked for {texts} in {', '.join(counts)}: found nowhere")


def _forms(text: str) -> list[bytes]:
    """As it is, as JSON escapes it, and the part that base64 has of it at each of three offsets."""
    plain = text.encode()
    escaped = json.dumps(text)[1:-1].encode()
    shifted = [base64.b64encode(b"\0" * n + plain) for n in range(3)]
    inner = [form[(0, 2, 3)[n] : len(form) - 4] for n, form in enumerate(shifted)]
    return [plain, escaped, *(form for form in inner if len(form) >= SHORTEST)]
