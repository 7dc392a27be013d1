"""The metrics that functions emit are those that the dashboard searches for."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.stacks.shared_environments import IN_TASKS
from tests.stacks.synthesized import Synthesize, Synthesized

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "lambdas").rglob("*.py"))
TELEMETRY = ROOT / "lambdas" / "telemetry.py"
TASKS = ROOT / "lambdas" / "sockets"  # they run handlers of functions, and count themselves too

# docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
SEARCH = re.compile(r"SEARCH\('\{(?P<schema>[^}]*)\} MetricName=\"(?P<metric>\w+)\"', 'Sum'\)")
QUOTED = re.compile(r'"([^"]+)"')
PLAIN = re.compile(r"[A-Za-z0-9]+")

COUNTS = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
from lambdas.telemetry import count, metrics
assert hasattr(module.handler, "__wrapped__"), "nothing flushes what this handler counts"
metrics.log_metrics(lambda event, context: [count(name) for name in sys.argv[2:]])({}, None)
"""
IMPORTED = "import sys, lambdas.api.server, lambdas.api.api; print(*sys.modules)"


class Metric(NamedTuple):
    """As CloudWatch tells metrics apart; of dimensions only the names, for a search has no more."""

    namespace: str
    dimensions: frozenset[str]
    name: str


def counted(*, by_tasks: bool = False) -> dict[str, set[str]]:
    """The names of metrics that each module counts, of functions or of tasks with sockets."""
    found: dict[str, set[str]] = {}
    for source in SOURCES:
        if source != TELEMETRY and (TASKS in source.parents) is by_tasks:
            names = set(_counted_in(ast.parse(source.read_text())))
            if names:
                module = ".".join(source.relative_to(ROOT).with_suffix("").parts)
                found[module] = names
    return found


def _counted_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if (isinstance(called, ast.Name) and called.id == "count") or (
            isinstance(called, ast.Attribute) and called.attr == "add_metric"
        ):
            name = node.args[0]
            assert isinstance(name, ast.Constant), "the name of a metric is a literal"
            assert isinstance(name.value, str)
            yield name.value


def emitted(environment: Synthesized, module: str, names: set[str]) -> Iterator[Metric]:
    """What stands in the log of the function with that handler, in CloudWatch's embedded metric
    format, with the variables that its template gives it and no other."""
    (function,) = (
        each
        for each in environment.all("AWS::Lambda::Function")
        if each.properties["Handler"] == f"{module}.handler"
    )
    variables = function.properties["Environment"]["Variables"]
    log = _run(
        COUNTS, {name: environment.show(value) for name, value in variables.items()}, module, *names
    )
    for line in log.splitlines():
        for directive in json.loads(line)["_aws"]["CloudWatchMetrics"]:
            for dimensions in directive["Dimensions"]:
                for metric in directive["Metrics"]:
                    yield Metric(directive["Namespace"], frozenset(dimensions), metric["Name"])


def _run(code: str, variables: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def searched(environment: Synthesized) -> list[Metric]:
    """What the graphs of the dashboard search for."""
    body = environment.one("AWS::CloudWatch::Dashboard").properties["DashboardBody"]
    _, parts = body["Fn::Join"]
    text = "".join(part if isinstance(part, str) else "name-of-a-resource" for part in parts)
    return [
        metric
        for widget in json.loads(text)["widgets"]
        for line in widget["properties"].get("metrics", ())
        for metric in _searched_by(line)
    ]


def _searched_by(line: list[Any]) -> Iterator[Metric]:
    expression = line[0].get("expression", "") if isinstance(line[0], dict) else ""
    if "SEARCH" in expression:
        found = SEARCH.search(expression)
        assert found, expression
        namespace, *dimensions = map(_unquoted, found["schema"].split(","))
        yield Metric(namespace, frozenset(dimensions), found["metric"])


def _unquoted(name: str) -> str:
    """A name with other characters than letters and digits has to be quoted."""
    quoted = QUOTED.fullmatch(name)
    assert quoted or PLAIN.fullmatch(name), f"{name} has no quotes"
    return quoted[1] if quoted else name


@pytest.mark.parametrize(
    "name", [*(pytest.param(each, marks=pytest.mark.deep) for each in ("dev", "staging")), "prod"]
)
def test_the_dashboard_searches_for_what_is_counted_and_for_nothing_else(
    name: str, request: pytest.FixtureRequest
) -> None:
    environment: Synthesized = request.getfixturevalue(name)
    seen = [
        metric
        for module, names in counted().items()
        for metric in emitted(environment, module, names)
    ]
    wanted = searched(environment)
    assert wanted and len(set(wanted)) == len(wanted)
    assert set(seen) == set(wanted)
    assert {metric.namespace for metric in seen} == {f"Switchboard/{name}"}


def test_what_tasks_with_sockets_count_themselves_has_a_graph(synthesize: Synthesize) -> None:
    made = synthesize(IN_TASKS)
    body = str(made.one("AWS::CloudWatch::Dashboard").properties["DashboardBody"])
    names = set[str]().union(*counted(by_tasks=True).values())
    assert names and [name for name in names if f'"{name}","service","sockets"' not in body] == []


def test_what_is_counted_is_flushed_for_nothing_in_a_pool_counts(dev: Synthesized) -> None:
    """A pool has no end of an invocation at which metrics would be written."""
    handlers = {
        each.properties["Handler"].removesuffix(".handler")
        for each in dev.all("AWS::Lambda::Function")
    }
    assert set(counted()) <= handlers
    imported = _run(IMPORTED, {"POWERTOOLS_SERVICE_NAME": "api"}).split()
    assert not set(counted()) & set(imported)
