"""docs/extending.md: its examples work as they stand there, and touch as few files as it says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.examples import examples

ROOT = Path(__file__).parents[2]
EXAMPLES = examples(ROOT / "docs" / "extending.md")
ROUTE, FRAME, FUNCTION, TABLE, POOL = EXAMPLES
ALONE = (".*", "cdk.out*", "node_modules", "__pycache__")
# What holds the examples besides their own tests.
TESTS = (
    "tests/protocol",
    "tests/lambdas/test_frame_permissions.py",
    "tests/stacks/test_functions.py",
    "tests/stacks/test_least_privilege.py::test_no_two_resources_of_the_table_are_one_in_a_template",
    "tests/stacks/test_least_privilege.py::test_a_role_allows_the_actions_of_its_row_on_the_"
    "resources_named_there_and_nothing_else",
    "tests/stacks/test_retention.py::test_the_ids_of_what_holds_data_never_change",
    "tests/stacks/test_alarms.py::test_alarms_watch_every_function_queue_table_and_pool",
    "tests/lambdas/api/test_api_bad_input.py::"
    "test_the_routes_are_those_of_the_protocol_and_so_are_the_open_ones",
)

pytestmark = pytest.mark.xdist_group("examples")  # one copy of the project


def touched(name: str) -> list[str]:
    return list(dict.fromkeys(block.path for block in EXAMPLES[name]))


def own_tests(name: str) -> list[str]:
    return [b.path for b in EXAMPLES[name] if b.place == "new" and "/test_" in b.path]


def test_every_block_of_code_but_those_of_the_shell_belongs_to_an_example() -> None:
    blocks = (ROOT / "docs" / "extending.md").read_text().count("\n```\n") - 1
    assert sum(map(len, EXAMPLES.values())) == blocks


@pytest.mark.parametrize(("name", "most"), [(ROUTE, 5), (FRAME, 5), (POOL, 1)])
def test_an_example_touches_few_files_its_handler_and_its_test_included(
    name: str, most: int
) -> None:
    assert len(touched(name)) <= most, touched(name)


def test_a_function_is_named_in_two_places_besides_its_handler_and_its_tests() -> None:
    naming = {
        block.path
        for block in EXAMPLES[FUNCTION]
        if "Reports" in block.code.replace("ReportsQueue", "").replace('FUNCTIONS["Reports"]', "")
    }
    others = {path for path in naming if not path.startswith(("tests/", "lambdas/"))}
    assert others == {"stacks/config/functions.py", "stacks/config/permissions.py"}


def test_a_table_has_one_row_and_one_property_besides_the_rows_of_its_functions() -> None:
    new = {path for path in touched(TABLE) if not path.startswith("tests/")}
    assert new - set(touched(FUNCTION)) == {"stacks/config/tables.py", "lambdas/settings.py"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with all examples in it."""
    copy = tmp_path_factory.mktemp("extended") / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*ALONE))
    packages = ROOT / "web" / "node_modules"
    if packages.exists():
        (copy / "web" / "node_modules").symlink_to(packages.resolve())
    for blocks in EXAMPLES.values():
        for block in blocks:
            block.apply(copy)
    run(copy, "ruff", "format", ".")
    run(copy, "protocol.generate")
    return copy


def run(project: Path, *command: str, **variables: str) -> None:
    """A module's command in the copy, with nothing of this project on its path."""
    inherited = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    inherited.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**inherited, "CDK_VALIDATION": "false", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.deep
@pytest.mark.slow
def test_generated_files_types_and_lint_follow(project: Path) -> None:
    run(project, "protocol.generate", "--check")
    run(project, "ruff", "check", ".")
    for file, text in (
        ("docs/protocol.md", "GET /api/chats/{chat}/members"),
        ("client/core/frames_generated.py", "identity"),
        ("web/src/client/core/frames.generated.ts", "whoami"),
        ("protocol/openapi.json", "/api/chats/{chat}/members"),
    ):
        assert text in (project / file).read_text()


@pytest.mark.deep
@pytest.mark.slow
def test_the_examples_own_tests_and_those_that_hold_them_pass(project: Path) -> None:
    own = [path for name in EXAMPLES for path in own_tests(name)]
    assert len(own) == 3
    run(project, "pytest", "-x", "-p", "no:xdist", *own, *TESTS)


@pytest.mark.deep
@pytest.mark.slow
def test_they_are_synthesized(project: Path, tmp_path: Path) -> None:
    context = json.dumps(
        {"env": "staging", "load_balancer.plain_http": True, "aws:cdk:bundling-stacks": []}
    )
    run(project, "app", CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=context)
    resources: list[Any] = [
        resource
        for file in tmp_path.glob("assembly-staging/*.template.json")
        for resource in json.loads(file.read_text())["Resources"].items()
    ]

    def ids(kind: str) -> str:
        return " ".join(name for name, body in resources if body["Type"] == f"AWS::{kind}")

    assert "Reports" in ids("DynamoDB::Table")
    assert "ReportsReportJobs" in ids("Lambda::EventSourceMapping")
    assert "MediumPool" in ids("ECS::Service")
    assert "WebSocketApiwhoami" in ids("ApiGatewayV2::Route")
    (rule,) = (
        body["Properties"]
        for _, body in resources
        if body["Type"] == "AWS::ElasticLoadBalancingV2::ListenerRule"
    )
    groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert sorted(group["Weight"] for group in groups) == [1, 2, 3, 5]
