"""Rendezvous hashing: the target of each source, and which sources move when targets come and
go."""

from __future__ import annotations

import string
from collections import Counter
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.balancer.network.affinity import choose, key_of


class Named(NamedTuple):
    id: str


SOURCES = [f"10.{n // 250}.{n % 250}.7" for n in range(3000)]
suffixes = st.integers(0, 0xFFFFFF).map("{:06x}".format)
words = st.text(string.ascii_lowercase, min_size=1, max_size=8)
names = st.lists(st.builds("{}-{}".format, words, suffixes), unique=True, max_size=8)
sources = st.sampled_from(SOURCES)


def placed(targets: list[Named], among: list[str] = SOURCES) -> dict[str, str]:
    found = {}
    for source in among:
        chosen = choose(source, targets)
        assert chosen is not None
        found[source] = chosen.id
    return found


@given(names, sources)
def test_a_source_keeps_its_target_whatever_the_order(ids: list[str], source: str) -> None:
    targets = [Named(each) for each in ids]
    assert choose(source, targets) == choose(source, targets[::-1])
    assert choose(source, targets) == choose(source, sorted(targets))
    assert (choose(source, targets) is None) == (not targets)


@given(names.filter(lambda ids: len(ids) > 1), st.data())
def test_a_target_that_goes_moves_only_its_own_sources(ids: list[str], data: st.DataObject) -> None:
    targets = [Named(each) for each in ids]
    gone = data.draw(st.sampled_from(targets))
    among = SOURCES[:200]
    before = placed(targets, among)
    after = placed([each for each in targets if each != gone], among)
    assert {source for source in among if before[source] != after[source]} == {
        source for source in among if before[source] == gone.id
    }


@given(names.filter(bool), suffixes.map("new-{}".format))
def test_a_target_that_comes_takes_sources_and_moves_none_between_others(
    ids: list[str], new: str
) -> None:
    among = SOURCES[:200]
    before = placed([Named(each) for each in ids], among)
    after = placed([Named(each) for each in (*ids, new)], among)
    assert all(after[source] in (before[source], new) for source in among)


@settings(max_examples=10)  # of 3,000 choices each
@given(names.filter(lambda ids: len(ids) >= 2))
def test_each_target_has_its_share_of_the_sources(ids: list[str]) -> None:
    counts = Counter(placed([Named(each) for each in ids]).values())
    fair = len(SOURCES) / len(ids)
    # binomial: seven deviations, so that no choice of names ever makes it fail
    bound = 7 * (fair * (1 - 1 / len(ids))) ** 0.5
    assert all(abs(counts[each] - fair) < bound for each in ids)


def test_a_new_target_takes_its_share_evenly_from_all() -> None:
    ids = ["small-1", "small-2", "small-3"]
    before = placed([Named(each) for each in ids])
    after = placed([Named(each) for each in (*ids, "small-4")])
    taken = Counter(before[source] for source in SOURCES if after[source] == "small-4")
    assert abs(sum(taken.values()) - len(SOURCES) / 4) < 150
    assert all(abs(taken[each] - len(SOURCES) / 12) < 80 for each in ids)


def test_a_restart_moves_nobody() -> None:
    targets = [Named("small-a"), Named("small-b"), Named("small-c")]
    assert [choose(f"127.0.0.{n}", targets) for n in range(1, 7)] == [
        Named(f"small-{letter}") for letter in "cbbbbb"
    ]


def test_without_stickiness_the_flow_counts() -> None:
    assert key_of("127.0.0.1", 5000, sticky=True) == key_of("127.0.0.1", 5001, sticky=True)
    assert key_of("127.0.0.1", 5000, sticky=False) != key_of("127.0.0.1", 5001, sticky=False)
    targets = [Named(f"small-{n}") for n in range(3)]
    keys = [key_of("127.0.0.1", port, sticky=False) for port in range(40_000, 43_000)]
    counts = Counter(choose(key, targets) for key in keys)
    assert all(abs(counts[target] - 1000) < 180 for target in targets)
