"""The examples of docs/load-balancing.md have the effects that the page describes."""

import re
from pathlib import Path

import pytest

from stacks.config.environments import Environment
from stacks.config.errors import ConfigError
from stacks.config.load_balancer import MEANINGS
from stacks.config.overrides import environment_from
from stacks.config.target_groups import StickinessKind
from tests.stacks.synthesized import Synthesize
from tests.support.rows import rows

PAGE = (Path(__file__).parents[2] / "docs" / "load-balancing.md").read_text()
BEFORE, REJECTED = PAGE.split("\n## Rejected\n")


def lines(text: str) -> list[str]:
    return re.findall(r"`(-c [^`]+)`", text)


def overrides(line: str) -> dict[str, str]:
    found = re.findall(r"-c (\S+?)=(\S+)", line)
    assert " ".join(f"-c {name}={value}" for name, value in found) == line
    return dict(found)


def test_the_page_has_lines_to_try_and_lines_that_are_rejected() -> None:
    assert len(lines(BEFORE)) > 20
    assert len(lines(REJECTED)) > 15


@rows("line", dict.fromkeys(lines(BEFORE)))
def test_a_line_that_it_recommends_is_valid(line: str) -> None:
    assert environment_from(overrides(line))


@pytest.mark.deep
@pytest.mark.parametrize("line", dict.fromkeys(lines(BEFORE)))
def test_a_line_that_it_recommends_synthesizes(synthesize: Synthesize, line: str) -> None:
    assert synthesize(environment_from(overrides(line))).stacks


@rows("line", lines(REJECTED))
def test_a_line_under_rejected_is_rejected(line: str) -> None:
    with pytest.raises(ConfigError):
        environment_from(overrides(line))


@pytest.mark.parametrize(
    ("word", "pool", "attribute", "value"),
    [
        pytest.param(
            *("Stickiness(", "small", "stickiness.type", "app_cookie"), marks=pytest.mark.deep
        ),
        ("KubernetesPool(", "pods", "load_balancing.algorithm.type", "round_robin"),
    ],
)
def test_its_python_makes_an_environment(
    synthesize: Synthesize, word: str, pool: str, attribute: str, value: str
) -> None:
    (code,) = [each for each in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if word in each]
    names: dict[str, object] = {}
    exec(code, names)
    environment = names["environment"]
    assert isinstance(environment, Environment)
    assert synthesize(environment).target_group(pool).attributes[attribute] == value


def test_every_name_of_an_algorithm_and_every_kind_of_stickiness_is_on_it() -> None:
    for name in (*MEANINGS, *StickinessKind.__args__):  # type: ignore[attr-defined]
        assert re.search(rf"[=`]{name}\b", PAGE), name
